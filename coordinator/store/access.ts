/** What opens the `access` leaves of the log: which officer took what out, and why. */
import { sql } from 'kysely';
import type { Db, NewRow, Tx } from './schema.ts';

export async function insertAccess(tx: Tx, row: NewRow<'officer_access'>): Promise<void> {
  await tx.insertInto('officer_access').values(row).execute();
}

/** Of these leaves, the bodies of those that are accesses, by index. */
export async function readAccesses(db: Db, indices: readonly number[]): Promise<Map<number, string>> {
  const rows = await db
    .selectFrom('officer_access')
    .select(['leaf_index', 'body'])
    .where(sql<boolean>`leaf_index = any(${indices}::bigint[])`)
    .execute();
  return new Map(rows.map(({ leaf_index, body }) => [leaf_index, body]));
}
