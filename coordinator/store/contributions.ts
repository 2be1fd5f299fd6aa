/**
 * What a committed set was chosen from, for whoever replays the gate later: one row for each report, written in the transaction that commits to the
 * set, so that there is none without the other. Headers are sealed under the reporter's key and salts under each member's (`vault.ts`); the
 * leaf hashes between them are in the clear, and with a key destroyed nobody can open them.
 */
import { concatBytes } from '@twinkeep/audit';
import { memberLeaf } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { nativeSha256 } from '../log/journal.ts';
import type { Db, Disposition, Tx } from './schema.ts';
import type { ToOpen, ToSeal, Vault } from './vault.ts';

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

export interface NewContribution {
  headerHash: string;
  disposition: Exclude<Disposition, 'received'>;
  /** Pseudonym of the reporter's credential. */
  sub: string;
  header: Uint8Array;
  signature: Uint8Array;
  /** In the order of the report. */
  members: readonly string[];
  salts: readonly Uint8Array[];
}

/** Where a subject was erased since the report came in, its place stays empty. */
export async function insertContributions(
  tx: Tx,
  vault: Vault,
  rcHash: string,
  contributions: readonly NewContribution[],
): Promise<void> {
  const items = contributions.flatMap((each): ToSeal[] => [
    { subject: each.sub, context: headerContext(rcHash), bytes: concatBytes(each.signature, each.header) },
    ...each.members.map((subject, place) => ({
      subject,
      context: memberContext(rcHash, each.headerHash, place),
      bytes: each.salts[place] as Uint8Array,
    })),
  ]);
  const sealed = await vault.sealFor(tx, items);
  let at = 0;
  const rows = contributions.map(({ headerHash, disposition, sub, members, salts }) => {
    const signed = sealed[at++] ?? null;
    const own = sealed.slice(at, (at += members.length));
    return {
      rc_hash: rcHash,
      header_hash: headerHash,
      disposition,
      reporter: signed === null ? null : sub,
      signed,
      leaves: concatBytes(
        ...members.map((subject, i) => memberLeaf(subject, salts[i] as Uint8Array, nativeSha256)),
      ),
      subjects: members.map((subject, i) => (own[i] === null ? null : subject)),
      salts: own.map((bytes) => bytes ?? new Uint8Array()),
    };
  });
  if (rows.length > 0) await tx.insertInto('contributions').values(rows).execute();
}

export interface StoredContribution {
  rcHash: string;
  headerHash: string;
  disposition: Exclude<Disposition, 'received'>;
  /** Null where the reporter was erased. */
  signed: { header: Uint8Array; signature: Uint8Array } | null;
  reporter: string | null;
  leaves: Uint8Array[];
  /** Null where erased. */
  subjects: (string | null)[];
  sealedSalts: Uint8Array[];
}

/** Those of a round, ascending by header hash. Salts stay sealed: `openSalts` opens those that are asked for. */
export async function readContributions(db: Db, vault: Vault, rcHash: string): Promise<StoredContribution[]> {
  const rows = await db
    .selectFrom('contributions')
    .selectAll()
    .where('rc_hash', '=', rcHash)
    .orderBy('header_hash')
    .execute();
  const opened = await vault.openFor(
    db,
    rows.flatMap(({ reporter, signed }): ToOpen[] =>
      reporter === null || signed === null
        ? []
        : [{ subject: reporter, context: headerContext(rcHash), sealed: signed }],
    ),
  );
  let at = 0;
  return rows.map((row) => {
    const bytes = row.reporter === null || row.signed === null ? null : (opened[at++] ?? null);
    return {
      rcHash,
      headerHash: row.header_hash,
      disposition: row.disposition,
      reporter: row.reporter,
      signed:
        bytes === null
          ? null
          : { signature: bytes.slice(0, SIGNATURE_BYTES), header: bytes.slice(SIGNATURE_BYTES) },
      leaves: Array.from({ length: row.leaves.length / HASH_BYTES }, (_, i) =>
        row.leaves.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
      ),
      subjects: row.subjects,
      sealedSalts: row.salts,
    };
  });
}

/** Salts of the members at these places, null for an erased one. */
export async function openSalts(
  db: Db,
  vault: Vault,
  { rcHash, headerHash, subjects, sealedSalts }: StoredContribution,
  places: readonly number[],
): Promise<Map<number, Uint8Array>> {
  const items = places.flatMap((place) => {
    const subject = subjects[place] ?? null;
    const sealed = sealedSalts[place] as Uint8Array;
    const context = memberContext(rcHash, headerHash, place);
    return subject === null ? [] : [{ place, item: { subject, context, sealed } }];
  });
  const opened = await vault.openFor(
    db,
    items.map(({ item }) => item),
  );
  return new Map(
    items.flatMap(({ place }, i) => {
      const salt = opened[i] ?? null;
      return salt === null ? [] : [[place, salt] as const];
    }),
  );
}

/** Rounds with a report that holds the subject's twin. */
export async function roundsOfSubject(db: Db, subject: string): Promise<string[]> {
  const rows = await db
    .selectFrom('contributions')
    .select('rc_hash')
    .distinct()
    .where(sql<boolean>`subjects @> array[${subject}]::text[]`)
    .orderBy('rc_hash')
    .execute();
  return rows.map(({ rc_hash }) => rc_hash);
}

/** What an erasure takes away here, beside the key: the names. The leaves stay, and stand for nobody. */
export async function eraseContributions(tx: Tx, subject: string): Promise<void> {
  await sql`update contributions set subjects = array_replace(subjects, ${subject}, null)
    where subjects @> array[${subject}]::text[]`.execute(tx);
  await sql`update contributions set reporter = null, signed = null where reporter = ${subject}`.execute(tx);
  await tx.deleteFrom('speakers').where('sub', '=', subject).execute();
}

const headerContext = (rcHash: string): string => `header:${rcHash}`;
const memberContext = (rcHash: string, headerHash: string, place: number): string =>
  `member:${rcHash}:${headerHash}:${place}`;
