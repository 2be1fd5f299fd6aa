/**
 * What committed sets were chosen from: the rows of a round are those that its set commit counts, each header is the one that the set names and
 * sums the members whose leaves are kept, and each member who was not erased opens its leaf.
 */
import { bytesToBase64Url, bytesToUtf8, equalBytes } from '@twinkeep/audit';
import {
  leavesRoot,
  memberLeaf,
  setRoot,
  type ReportHeader,
  type SetCommit,
  type Statement,
} from '@twinkeep/protocol';
import { nativeSha256 } from '../log/journal.ts';
import { openSalts, readContributions, type StoredContribution } from '../store/contributions.ts';
import type { Db } from '../store/schema.ts';
import type { Vault } from '../store/vault.ts';
import { guarded, type Checkup } from './checkup.ts';

/** @returns how many there are */
export async function checkContributions(checkup: Checkup, vault: Vault): Promise<number> {
  const rounds = await readRounds(checkup.db);
  let count = 0;
  for (const [i, { rcHash, statement }] of rounds.entries()) {
    checkup.progress('rounds looked at', i, rounds.length);
    const where = `contributions, round ${rcHash}`;
    await guarded(checkup, where, async () => {
      const rows = await readContributions(checkup.db, vault, rcHash);
      count += rows.length;
      if (statement === null) return checkup.found(where, 'there is no set commit of the round');
      checkSet(checkup, where, rows, (JSON.parse(statement) as Statement<SetCommit>).body);
      for (const row of rows) await checkOne(checkup, `${where}, report ${row.headerHash}`, vault, row);
    });
  }
  return count;
}

/** Rounds with contributions or with a set that was committed to. */
async function readRounds(db: Db): Promise<{ rcHash: string; statement: string | null }[]> {
  const commits = await db
    .selectFrom('rounds as r')
    .innerJoin('statements as s', 's.hash', 'r.sc_hash')
    .select(['r.rc_hash as rcHash', 's.statement'])
    .execute();
  const known = new Map(commits.map(({ rcHash, statement }) => [rcHash, statement]));
  const named = await db.selectFrom('contributions').select('rc_hash as rcHash').distinct().execute();
  return [...new Set([...known.keys(), ...named.map(({ rcHash }) => rcHash)])].map((rcHash) => ({
    rcHash,
    statement: known.get(rcHash) ?? null,
  }));
}

function checkSet(
  { found }: Checkup,
  where: string,
  rows: readonly StoredContribution[],
  set: SetCommit,
): void {
  const inSet = rows
    .filter(({ disposition }) => disposition === 'in-set')
    .map(({ headerHash }) => headerHash);
  if (inSet.length === 0 || setRoot(inSet) !== set.merkleRoot)
    found(where, 'the reports in the set are not those that the set commit names');
  const dropped = new Map<string, number>();
  for (const { disposition } of rows)
    if (disposition !== 'in-set') dropped.set(disposition, (dropped.get(disposition) ?? 0) + 1);
  const isCounted = set.dropped.every(({ reason, count }) => (dropped.get(reason) ?? 0) === count);
  const known = new Set<string>(set.dropped.map(({ reason }) => reason));
  if (!isCounted || [...dropped.keys()].some((reason) => !known.has(reason)))
    found(where, 'the reports left out are not those that the set commit counts');
}

async function checkOne(
  { db, found }: Checkup,
  where: string,
  vault: Vault,
  row: StoredContribution,
): Promise<void> {
  if (row.signed !== null) {
    const { header } = row.signed;
    if (bytesToBase64Url(nativeSha256(header)) !== row.headerHash)
      found(where, 'the header is of another report');
    const { membersRoot } = JSON.parse(bytesToUtf8(header)) as ReportHeader;
    if (leavesRoot(row.leaves, nativeSha256) !== membersRoot)
      found(where, 'the members are not those that its device signed');
  } else if (row.reporter !== null) found(where, 'its reporter has no key, and was not erased');
  const places = row.subjects.flatMap((subject, place) => (subject === null ? [] : [place]));
  const salts = await openSalts(db, vault, row, places);
  for (const place of places) {
    const salt = salts.get(place);
    const leaf = row.leaves[place];
    if (salt === undefined) found(where, `member ${place} has no key, and was not erased`);
    else if (
      leaf === undefined ||
      !equalBytes(memberLeaf(row.subjects[place] as string, salt, nativeSha256), leaf)
    )
      found(where, `member ${place} does not open its leaf`);
  }
}
