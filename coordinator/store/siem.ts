/** How far the log was carried to each receiver of security monitoring. */
import type { Tx } from './schema.ts';

/** @returns the next leaf for this receiver, 0 for a new one; null where another process is sending to it */
export async function lockCursor(tx: Tx, receiver: string): Promise<number | null> {
  await tx
    .insertInto('siem_cursors')
    .values({ receiver, next_index: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await tx
    .selectFrom('siem_cursors')
    .select('next_index')
    .where('receiver', '=', receiver)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row?.next_index ?? null;
}

export async function moveCursor(tx: Tx, receiver: string, next: number): Promise<void> {
  await tx.updateTable('siem_cursors').set({ next_index: next }).where('receiver', '=', receiver).execute();
}
