/** DPoP proofs already used, shared by all processes on this database. */
import type { Db } from './schema.ts';

/** @returns false where the proof was used before */
export async function insertProof(db: Db, jkt: string, jti: string, expiresAt: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('dpop_proofs')
    .values({ jkt, jti, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function deleteExpiredProofs(db: Db, now: number): Promise<void> {
  await db.deleteFrom('dpop_proofs').where('expires_at', '<', now).execute();
}
