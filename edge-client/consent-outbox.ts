/**
 * Sends consents to the coordinator until each has its receipt. The store is the queue: a consent without a receipt is sent again
 * after whatever crash, and the coordinator answers one that it has with the receipt it gave before.
 */
import {
  MAX_CONSENT_EVENTS,
  MAX_JSON_BYTES,
  ProblemError,
  type ConsentReceipt,
  type ConsentReceipts,
} from '@twinkeep/protocol';
import type { TwinStore } from './store/port.ts';

export interface OutboxDeps {
  store: Pick<TwinStore, 'pendingConsents' | 'addReceipts'>;
  /** @throws ProblemError where the coordinator refuses, TransportError where it cannot be reached or its receipts show nothing */
  submit(events: readonly string[]): Promise<ConsentReceipts>;
  /** Told of the ids of events that the coordinator refuses: their subject stays out of every round, so somebody should look. */
  onRefused(error: ProblemError, events: readonly string[]): void;
}

export interface Outbox {
  /** Sends everything that waits. @returns how many got their receipt; @throws what `submit` throws, but for refusals */
  flush(): Promise<number>;
}

type Pending = Awaited<ReturnType<TwinStore['pendingConsents']>>;

/** Room for the JSON around the events. */
const MAX_BATCH_CHARACTERS = MAX_JSON_BYTES - 65_536;

export function createOutbox({ store, submit, onRefused }: OutboxDeps): Outbox {
  // Of this process: a later start tries them again.
  const refused = new Set<string>();

  async function send(batch: Pending): Promise<number> {
    try {
      const { receipts } = await submit(batch.map(({ jws }) => jws));
      const sent = new Set(batch.map(({ id }) => id));
      const kept: ConsentReceipt[] = receipts.filter(({ event }) => sent.has(event));
      await store.addReceipts(kept);
      return kept.length;
    } catch (error) {
      if (!(error instanceof ProblemError) || !error.code.startsWith('consent/')) throw error;
      const subjects = [...new Set(batch.map(({ subject }) => subject))];
      if (subjects.length > 1) return sendHalves(batch, subjects);
      if (batch.length > 1) return sendSingly(batch);
      for (const { id } of batch) refused.add(id);
      onRefused(
        error,
        batch.map(({ id }) => id),
      );
      return 0;
    }
  }

  /** A no must not wait behind a yes that is refused: what of a chain is good goes in, in its order. */
  async function sendSingly(chain: Pending): Promise<number> {
    let sent = 0;
    for (const event of chain) sent += await send([event]);
    return sent;
  }

  /** A batch is taken whole or not at all, so a bad event is found by halving, by subjects first. */
  async function sendHalves(batch: Pending, subjects: readonly string[]): Promise<number> {
    const first = new Set(subjects.slice(0, subjects.length / 2));
    const left = await send(batch.filter(({ subject }) => first.has(subject)));
    return left + (await send(batch.filter(({ subject }) => !first.has(subject))));
  }

  return {
    async flush() {
      let total = 0;
      for (;;) {
        const pending = await store.pendingConsents(MAX_CONSENT_EVENTS + refused.size);
        const batch = fitting(pending.filter(({ id }) => !refused.has(id)));
        if (batch.length === 0) return total;
        const sent = await send(batch);
        total += sent;
        // Without progress the same batch would come back at once.
        if (sent === 0 && batch.every(({ id }) => !refused.has(id))) return total;
      }
    },
  };
}

function fitting(pending: Pending): Pending {
  let characters = 0;
  const most = pending.slice(0, MAX_CONSENT_EVENTS);
  const over = most.findIndex(({ jws }) => (characters += jws.length + 3) > MAX_BATCH_CHARACTERS);
  return over < 0 ? most : most.slice(0, Math.max(1, over));
}
