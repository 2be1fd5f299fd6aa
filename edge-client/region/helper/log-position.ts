/** How far a helper has read the audit log, and which sets it saw there: kept for ever, moved on in whole steps. */
import { concatBytes } from '@twinkeep/audit';
import { sql, type Transaction } from 'kysely';
import type { Connection } from '../process/database.ts';
import type { HelperTables } from './schema.ts';

export interface LogPosition {
  /** Leaves read. */
  size: number;
  /** Hashes at the right edge of the tree, for `createCompactRange`. */
  peaks: readonly Uint8Array[];
  /** The signed checkpoint of that size; null before the first. */
  note: string | null;
  /** Why the log is followed no further; null: it is. */
  refused: string | null;
}

/** A set commit in the log. */
export interface LoggedSet {
  leaf: number;
  rcHash: string;
  scHash: string;
}

const HASH_BYTES = 32;

export async function readLogPosition(conn: Connection<HelperTables>): Promise<LogPosition> {
  const { size, peaks, note, refused } = await conn.selectFrom('log').selectAll().executeTakeFirstOrThrow();
  const hashes = Array.from(
    { length: peaks.length / HASH_BYTES },
    (_, i) => new Uint8Array(peaks.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  );
  return { size: Number(size), peaks: hashes, note, refused };
}

export async function advanceLog(
  trx: Transaction<HelperTables>,
  from: number,
  { size, peaks, note }: LogPosition,
  sets: readonly LoggedSet[],
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('log')
    .set({ size: String(size), peaks: Buffer.from(concatBytes(...peaks)), note })
    .where('size', '=', String(from))
    .where('refused', 'is', null)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) return false;
  await sql`
    INSERT INTO logged_set (leaf, rc_hash, sc_hash)
    SELECT * FROM unnest(
      ${sets.map(({ leaf }) => String(leaf))}::bigint[],
      ${sets.map(({ rcHash }) => rcHash)}::text[],
      ${sets.map(({ scHash }) => scHash)}::text[])`.execute(trx);
  return true;
}

/** The first reason stays. */
export async function refuseLog(trx: Transaction<HelperTables>, why: string, note: string): Promise<void> {
  await trx
    .updateTable('log')
    .set({ refused: why, refused_note: note })
    .where('refused', 'is', null)
    .execute();
}

export async function setsOfRound(conn: Connection<HelperTables>, rcHash: string): Promise<LoggedSet[]> {
  const rows = await conn
    .selectFrom('logged_set')
    .selectAll()
    .where('rc_hash', '=', rcHash)
    .orderBy('leaf')
    .execute();
  return rows.map(({ leaf, sc_hash }) => ({ leaf: Number(leaf), rcHash, scHash: sc_hash }));
}
