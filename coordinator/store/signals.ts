/** Opt-out signals of browsers: from which of a subject's devices one is in the log. */
import type { Db, Tx } from './schema.ts';

export async function hasSignal(db: Db, subject: string, jkt: string): Promise<boolean> {
  const row = await db
    .selectFrom('consent_signals')
    .select('subject')
    .where('subject', '=', subject)
    .where('jkt', '=', jkt)
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns false where it is there already */
export async function insertSignal(tx: Tx, subject: string, jkt: string): Promise<boolean> {
  const row = await tx
    .insertInto('consent_signals')
    .values({ subject, jkt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('subject')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether there is anything about the subject that a signal could narrow. */
export async function isSpokenFor(db: Db, subject: string): Promise<boolean> {
  const row = await db
    .selectFrom('consent_subjects')
    .select('subject')
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row !== undefined;
}
