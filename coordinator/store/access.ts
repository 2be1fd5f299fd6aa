/** What opens the `access` leaves of the log: which officer took what out, and why. */
import type { NewRow, Tx } from './schema.ts';

export async function insertAccess(tx: Tx, row: NewRow<'officer_access'>): Promise<void> {
  await tx.insertInto('officer_access').values(row).execute();
}
