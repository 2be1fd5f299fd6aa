/**
 * Taking consent events in: verified first (`speaker.ts`), then admitted and logged (`append.ts`), then answered with receipts. What others
 * send at the same time is logged in the same transaction; the events of one request are taken whole or refused alone.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import type { ConsentReceipts } from '@twinkeep/protocol';
import { createGathering } from '../gather.ts';
import type { RunTx } from '../store/tx.ts';
import { logConsents, type AppendDeps, type ProvableReceipt } from './append.ts';
import { verifySent, type ConsentSender, type SentEvents } from './speaker.ts';

export interface ConsentIntakeDeps extends AppendDeps {
  runTx: RunTx;
  clock: () => number;
}

export type TakeConsents = (events: readonly string[], sender: ConsentSender) => Promise<ConsentReceipts>;

/** Events of one transaction at most: everybody else who writes to the log waits for it. */
const MOST_EVENTS = 256;

/** @returns a function that throws ProblemError 'consent/...', naming the event by its place */
export function createConsentIntake(deps: ConsentIntakeDeps): TakeConsents {
  const log = createGathering<SentEvents, ProvableReceipt[]>({
    run: (sent) => deps.runTx('consents', (tx) => logConsents(tx, deps, sent, deps.clock())),
    weigh: ({ events }) => events.length,
    most: MOST_EVENTS,
  });
  return async (jwsList, sender) => {
    const receipts = await log(await verifySent(deps.db, sender, jwsList));
    return { receipts: await Promise.all(receipts.map(toWire)) };
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
