/** The log itself: head, leaves and stored hashes say the same, nothing is beside them, and what readers are shown is its beginning. */
import {
  AuditError,
  completeSubtrees,
  createLog,
  equalBytes,
  foldSubtrees,
  mergeCosignatures,
  openCheckpoint,
  vkeyToNoteKey,
  verifyWitnessed,
  type Log,
} from '@twinkeep/audit';
import { verifyDetached, type Trust } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { nativeSha256 } from '../log/journal.ts';
import { createLogStore } from '../store/log-store.ts';
import { guarded, reasonOf, type Checkup } from './checkup.ts';

/** @returns the size of the signed head; null where there is no head to believe */
export async function checkTree(checkup: Checkup, trust: Trust): Promise<number | null> {
  let size: number | null = null;
  await guarded(checkup, 'log_head', async () => {
    const report = await readerOf(checkup, trust).fsck((done, of) =>
      checkup.progress('leaves hashed', done, of),
    );
    if (report.ok) size = report.size;
    else checkup.found(placeOf(report.subtree), report.problem);
  });
  await checkStrays(checkup, size);
  if (size !== null) await checkWitnessed(checkup, trust, size);
  return size;
}

/** Checks only: no key that signs is at hand. */
function readerOf({ db }: Checkup, trust: Trust): Log {
  const { name: origin, publicKey } = vkeyToNoteKey(trust.log.vkey);
  const sign = (): Promise<never> => Promise.reject(new Error('a check signs nothing'));
  return createLog({
    store: createLogStore(db),
    signer: { publicKey, sign },
    origin,
    hash: nativeSha256,
    verify: verifyDetached,
  });
}

function placeOf(subtree: { level: number; index: number } | null): string {
  if (subtree === null) return 'log_head';
  const { level, index } = subtree;
  return level === 0
    ? `log_leaves or log_hashes, leaf ${index}`
    : `log_hashes, level ${level}, index ${index}`;
}

/** Rows that no tree of this size has. */
async function checkStrays(checkup: Checkup, size: number | null): Promise<void> {
  const { db, found } = checkup;
  await guarded(checkup, 'log_head', async () => {
    const { rows } = await sql<{ size: string; unsigned: boolean }>`
      select size::text, root is null or note is null as unsigned from log_head`.execute(db);
    if (rows.length !== 1) found('log_head', `there are ${rows.length} heads`);
    else if (rows[0]?.unsigned === true && rows[0].size !== '0')
      found('log_head', 'a head without a signature');
  });
  const end = size ?? 0;
  await guarded(checkup, 'log_leaves', async () => {
    const { rows } = await sql<{ place: string }>`
      select leaf_index::text as place from log_leaves where leaf_index >= ${end} order by leaf_index limit 10`.execute(
      db,
    );
    if (size !== null)
      for (const { place } of rows) found(`log_leaves, leaf ${place}`, 'is beyond the signed head');
  });
  await guarded(checkup, 'log_hashes', async () => {
    const { rows } = await sql<{ level: number; place: string }>`
      select level, node_index::text as place from log_hashes
      where level < 0 or level > 52 or node_index < 0 or (node_index + 1) * power(2::numeric, level) > ${end}
      order by level, node_index limit 10`.execute(db);
    if (size !== null)
      for (const { level, place } of rows)
        found(`log_hashes, level ${level}, index ${place}`, 'is of no complete subtree of the signed tree');
  });
}

/** The head that readers are shown: cosigned as the trust file demands, and the beginning of this very log. */
async function checkWitnessed(checkup: Checkup, trust: Trust, size: number): Promise<void> {
  const { db, found } = checkup;
  await guarded(checkup, 'witnessed_heads', async () => {
    for (const head of await db.selectFrom('witnessed_heads').selectAll().execute()) {
      const where = `witnessed_heads, size ${head.size}`;
      try {
        const signed = openCheckpoint(head.note, trust.log.vkey, {
          verify: verifyDetached,
          unknownSignatures: 'refuse',
        });
        if (signed.size !== head.size || !equalBytes(signed.root, head.root))
          found(where, 'is not the head that was signed');
        else if (head.size > size) found(where, 'is larger than the log');
        else if (!equalBytes(await rootAt(checkup, head.size), head.root))
          found(where, 'is not a beginning of this log');
      } catch (error) {
        found(where, `has no valid checkpoint: ${reasonOf(error)}`);
      }
      checkCosignatures(checkup, where, head, trust);
    }
  });
}

async function rootAt({ db }: Checkup, size: number): Promise<Uint8Array> {
  return foldSubtrees(await createLogStore(db).hashes(completeSubtrees(0, size)), nativeSha256);
}

/** Where the trust file has lost its witnesses since, the row means nothing any more. */
function checkCosignatures(
  { found }: Checkup,
  where: string,
  { note, cosignatures }: { note: string; cosignatures: string },
  trust: Trust,
): void {
  if (trust.witnesses === null) return;
  const lines = cosignatures.split('\n').length - 1;
  try {
    const names = verifyWitnessed(mergeCosignatures(note, [cosignatures]), trust.witnesses, {
      verify: verifyDetached,
    });
    if (names.length !== lines)
      found(where, `bears ${lines} cosignatures, of which ${names.length} are known`);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    found(where, `its cosignatures do not hold: ${error.message}`);
  }
}
