/** The last cosigned head of each log. */
import { EMPTY_ROOT } from '@twinkeep/audit';
import { sql } from 'kysely';
import type { Db, Tx } from './database.ts';

export interface KeptHead {
  size: number;
  root: Uint8Array;
  /** With the log's signature and ours; null before the first. */
  note: string | null;
}

/** A row for each log, so that there is one to lock from the beginning. Logs that are served no longer keep theirs. */
export async function addOrigins(db: Db, origins: readonly string[]): Promise<void> {
  await db
    .insertInto('heads')
    .values(origins.map((origin) => ({ origin, size: 0, root: EMPTY_ROOT, note: null, cosigned_at: null })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Until the transaction ends nobody else judges a head of this log. */
export async function lockHead(tx: Tx, origin: string): Promise<KeptHead> {
  // Whatever the server is set to: an answered cosignature must outlive a power cut.
  await sql`set local synchronous_commit to on`.execute(tx);
  return tx
    .selectFrom('heads')
    .select(['size', 'root', 'note'])
    .where('origin', '=', origin)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** Under the lock of `lockHead`. */
export async function saveHead(
  tx: Tx,
  origin: string,
  head: { size: number; root: Uint8Array; note: string; cosignedAt: number },
): Promise<void> {
  const { size, root, note, cosignedAt } = head;
  await tx
    .updateTable('heads')
    .set({ size, root, note, cosigned_at: cosignedAt })
    .where('origin', '=', origin)
    .execute();
}

export async function readNoteOf(db: Db, origin: string): Promise<string | null> {
  const row = await db.selectFrom('heads').select('note').where('origin', '=', origin).executeTakeFirst();
  return row?.note ?? null;
}

export async function insertFork(
  tx: Tx,
  fork: { origin: string; size: number; root: Uint8Array; note: string; keptNote: string; seenAt: number },
): Promise<void> {
  const { keptNote, seenAt, ...rest } = fork;
  await tx
    .insertInto('forks')
    .values({ ...rest, kept_note: keptNote, seen_at: seenAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
