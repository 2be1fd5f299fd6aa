/**
 * Logging consent events: checked (`admit.ts`), appended and put into the vault in one transaction, so that a crash leaves all of them or none. A
 * withdrawal counts from here on: a report that holds the twin and was uploaded before is dropped whole when its round's set is fixed
 * later; once the set is fixed, the withdrawal counts from the next round.
 */
import type { Random } from '@twinkeep/protocol';
import type { Settled } from '../gather.ts';
import type { Journal, LoggedEntry } from '../log/journal.ts';
import { bindCollectors, insertEvents, type EventReceipt } from '../store/consents.ts';
import type { Db, Tx } from '../store/schema.ts';
import { insertSpeakers } from '../store/speakers.ts';
import { admitAll, type AdmitDeps, type Submission } from './admit.ts';
import { shuffleSubjects } from './shuffle.ts';

export interface AppendDeps extends AdmitDeps {
  db: Db;
  journal: Journal;
  random: Random;
}

export interface ProvableReceipt extends EventReceipt {
  /** Tlog-proof of the leaf under a checkpoint of the log's own. To be called after the transaction. */
  prove(): Promise<string>;
}

/**
 * Sent again, an event gets its first receipt: a lost answer costs nothing.
 * @returns for each submission its receipts in order, or the ProblemError it was refused with
 */
export async function logConsents(
  tx: Tx,
  deps: AppendDeps,
  submissions: readonly Submission[],
  now: number,
): Promise<Settled<ProvableReceipt[]>[]> {
  const { db, journal, vault, random } = deps;
  await journal.lock(tx);
  const { fresh: admitted, parties, outcomes, receipts: known } = await admitAll(tx, deps, submissions, now);
  const fresh = shuffleSubjects(admitted, random);
  const receipts = new Map<string, ProvableReceipt>(
    [...known].map(([id, receipt]) => [
      id,
      { ...receipt, prove: async () => (await createProver(db, journal))(receipt.index) },
    ]),
  );
  if (fresh.length > 0) {
    const entries = await journal.append(
      tx,
      fresh.map(({ jws }) => ({ type: 'consent', body: jws })),
      now,
    );
    const rows = fresh.map(({ id, jws: body, event: { subject, seq }, jkt, collector }, i) => {
      const { index, leaf, salt, prove } = entries[i] as LoggedEntry;
      receipts.set(id, { event: id, index, leaf, salt, prove });
      return { id, subject, jkt, collector, seq, index, receivedAt: now, body, salt };
    });
    await bindCollectors(tx, parties);
    await insertEvents(tx, vault, rows);
    await insertSpeakers(
      tx,
      submissions.flatMap((one, i) => ('make' in one || outcomes[i]?.ok !== true ? [] : [one.sender])),
    );
  }
  return outcomes.map((outcome) =>
    outcome.ok
      ? { ok: true, value: outcome.value.map((id) => receipts.get(id) as ProvableReceipt) }
      : outcome,
  );
}

/** Proofs under the checkpoint of now. */
export async function createProver(db: Db, journal: Journal): Promise<(index: number) => Promise<string>> {
  const log = journal.read(db);
  const head = await log.head();
  if (head === null) throw new RangeError('a log with an entry has a head');
  return (index) => log.receipt(index, head);
}
