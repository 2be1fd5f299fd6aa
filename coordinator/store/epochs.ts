/** Box keys of the helpers. */
import type { Db, NewRow, Row, Tx } from './schema.ts';

export type StoredEpoch = Row<'helper_epochs'>;

export async function insertEpoch(tx: Tx, row: NewRow<'helper_epochs'>): Promise<void> {
  await tx.insertInto('helper_epochs').values(row).execute();
}

export function newestEpoch(db: Db, j: number): Promise<StoredEpoch | undefined> {
  return db
    .selectFrom('helper_epochs')
    .selectAll()
    .where('j', '=', j)
    .orderBy('e', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export function findEpoch(db: Db, j: number, e: number): Promise<StoredEpoch | undefined> {
  return db.selectFrom('helper_epochs').selectAll().where('j', '=', j).where('e', '=', e).executeTakeFirst();
}

/** Of each helper, the newest epoch that has begun and lasts until `until`; helpers without one are not there. */
export async function epochsLasting(db: Db, now: number, until: number): Promise<Map<number, StoredEpoch>> {
  const rows = await db
    .selectFrom('helper_epochs')
    .selectAll()
    .distinctOn('j')
    .where('not_before', '<=', now)
    .where('not_after', '>=', until)
    .orderBy('j')
    .orderBy('e', 'desc')
    .execute();
  return new Map(rows.map((row) => [row.j, row]));
}
