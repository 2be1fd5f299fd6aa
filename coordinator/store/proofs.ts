/** DPoP proofs already used, shared by all processes on this database. */
import type { Db } from './schema.ts';

export interface UsedProof {
  jkt: string;
  jti: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** @returns for each, false where it was used before, be it just now by another of these */
export async function insertProofs(db: Db, proofs: readonly UsedProof[]): Promise<boolean[]> {
  const rows = await db
    .insertInto('dpop_proofs')
    .values(proofs.map(({ jkt, jti, expiresAt }) => ({ jkt, jti, expires_at: expiresAt })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(['jkt', 'jti'])
    .execute();
  const nameOf = ({ jkt, jti }: Pick<UsedProof, 'jkt' | 'jti'>): string => `${jkt} ${jti}`;
  const inserted = new Set(rows.map(nameOf));
  return proofs.map((proof) => inserted.delete(nameOf(proof)));
}

export async function deleteExpiredProofs(db: Db, now: number): Promise<void> {
  await db.deleteFrom('dpop_proofs').where('expires_at', '<', now).execute();
}
