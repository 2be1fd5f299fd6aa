/**
 * Taking consent events in: verified first (`speaker.ts`), then admitted and logged in one transaction (`append.ts`), then answered with
 * receipts. The events of one request are taken whole or not at all.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import type { ConsentReceipts } from '@twinkeep/protocol';
import type { RunTx } from '../store/tx.ts';
import { logConsents, type AppendDeps, type ProvableReceipt } from './append.ts';
import { verifySent, type ConsentSender } from './speaker.ts';

export interface ConsentIntakeDeps extends AppendDeps {
  runTx: RunTx;
  clock: () => number;
}

export type TakeConsents = (events: readonly string[], sender: ConsentSender) => Promise<ConsentReceipts>;

/** @returns a function that throws ProblemError 'consent/...', naming the event by its place */
export function createConsentIntake(deps: ConsentIntakeDeps): TakeConsents {
  return async (jwsList, sender) => {
    const sent = await verifySent(deps.db, sender, jwsList);
    const [settled] = await deps.runTx('consents', (tx) => logConsents(tx, deps, [sent], deps.clock()));
    if (settled === undefined) throw new RangeError('a submission has an outcome');
    if (!settled.ok) throw settled.error;
    return { receipts: await Promise.all(settled.value.map(toWire)) };
  };
}

export async function toWire({
  event,
  index,
  leaf,
  salt,
  prove,
}: ProvableReceipt): Promise<ConsentReceipts['receipts'][number]> {
  return {
    event,
    index,
    leaf: bytesToBase64Url(leaf),
    salt: bytesToBase64Url(salt),
    proof: await prove(),
  };
}
