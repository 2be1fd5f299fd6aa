/** Demos only: customers of an invented population who will withdraw during the task. */
import type { Transaction } from 'kysely';
import { bytesToJson, jsonToBytes } from './cipher.ts';
import type { RegionTables } from './schema.ts';
import type { WriteContext } from './write.ts';

/** A plan that is there already stays. @param plans with the share of a task's rounds after which the customer withdraws */
export async function planWithdrawals(
  trx: Transaction<RegionTables>,
  { keys }: WriteContext,
  plans: readonly { subject: string; share: number }[],
): Promise<void> {
  const ciphers = await keys.lockAll(
    trx,
    plans.map(({ subject }) => subject),
  );
  const rows = plans.map(({ subject, share }) => ({
    subject,
    sealed: ciphers.get(subject)!.seal('planned_withdrawal', '', jsonToBytes(share)),
  }));
  await trx
    .insertInto('planned_withdrawal')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** A plan is deleted when it is due, so it is a plan of the first task that gets that far. */
export async function takeDueWithdrawals(
  trx: Transaction<RegionTables>,
  { keys }: WriteContext,
  share: number,
): Promise<string[]> {
  const rows = await trx.selectFrom('planned_withdrawal').selectAll().execute();
  const found = await keys.find(
    trx,
    rows.map(({ subject }) => subject),
  );
  const due = rows
    .filter(({ subject, sealed }) => {
      const cipher = found.get(subject)?.cipher;
      return (
        cipher !== undefined && bytesToJson<number>(cipher.open('planned_withdrawal', '', sealed)) <= share
      );
    })
    .map(({ subject }) => subject);
  if (due.length > 0) await trx.deleteFrom('planned_withdrawal').where('subject', 'in', due).execute();
  return due;
}
