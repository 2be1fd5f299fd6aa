/** Box keys of the helpers. */
import { sql } from 'kysely';
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

/** Statement hashes of these epochs, in the order asked; those that are not stored are left out. */
export async function readEpochHashes(
  db: Db,
  epochs: readonly { j: number; e: number }[],
): Promise<string[]> {
  const { rows } = await sql<{ hash: string }>`
    select h.hash from unnest(${epochs.map(({ j }) => j)}::int[], ${epochs.map(({ e }) => e)}::bigint[])
      with ordinality as asked (j, e, place)
    join helper_epochs h using (j, e) order by asked.place`.execute(db);
  return rows.map(({ hash }) => hash);
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
