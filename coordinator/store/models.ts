/** Model versions by hash. */
import type { Db, NewRow, Tx } from './schema.ts';

/** A model that is there already stays as it is: the hash says that it is the same. */
export async function insertModel(tx: Tx, row: NewRow<'models'>): Promise<void> {
  await tx
    .insertInto('models')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function readModel(db: Db, hash: string): Promise<Uint8Array | null> {
  const row = await db.selectFrom('models').select('bytes').where('hash', '=', hash).executeTakeFirst();
  return row?.bytes ?? null;
}
