/**
 * Delivers consent events until each has its place in the log. The store is the queue, so nothing is lost with the tab; two tabs that
 * deliver the same get the same receipts.
 */
import type { ProblemError } from '@twinkeep/protocol';
import { createOutbox } from '../consent-outbox.ts';
import { submitConsents } from '../transport/device.ts';
import { refused } from '../twin/reasons.ts';
import type { RoundTrouble } from '../twin/types.ts';
import { createBell } from './bell.ts';
import { viewReceipt } from './consenting.ts';
import { readTwin, type Home } from './home.ts';
import { createQueue } from './restarts.ts';
import { codeOf, troubleOf } from './trouble.ts';

export interface Delivery {
  /** Something waits, or the network is back. */
  wake(): void;
  /** One try now. @returns what is in the way of those that still wait, or null where none does */
  flush(): Promise<{ reason: RoundTrouble | 'offline'; detail: string } | null>;
}

/** Milliseconds between tries: doubled from the first to the last of these. */
const [FIRST, LONGEST] = [2_000, 120_000];

/** Runs until `stop`. @param settled told whenever nothing waits any more */
export function startDelivery(
  home: Home,
  isOnline: () => boolean,
  settled: () => Promise<unknown>,
  stop: AbortSignal,
): Delivery {
  const { store, credentials, transport, settings, emit } = home;
  const bell = createBell();
  const delivered = new Set<string>();
  const outbox = createOutbox({
    store,
    async submit(events) {
      const answer = await submitConsents(transport, events, settings.trust.log.vkey, stop);
      for (const { event } of answer.receipts) delivered.add(event);
      return answer;
    },
    onRefused: (error, events) => void tellRefused(home, error, events).catch(() => {}),
  });

  const tryOnce: Delivery['flush'] = async () => {
    if ((await store.pendingConsents(1)).length === 0) return null;
    if (!isOnline()) return { reason: 'offline', detail: 'the device is offline' };
    try {
      await credentials.ensure();
      await outbox.flush();
    } catch (error) {
      if (codeOf(error)?.startsWith('auth/credential') === true) credentials.forget();
      const { reason, detail } = troubleOf(error);
      if (!stop.aborted) emit('problem', { code: reason, why: refused(reason).why, detail });
      return { reason, detail };
    } finally {
      await tellReceipts(home, delivered);
      delivered.clear();
    }
    const left = await store.pendingConsents(1);
    return left.length === 0 ? null : { reason: 'consent-refused', detail: 'see the event' };
  };

  const inTurn = createQueue();
  const flush: Delivery['flush'] = () => inTurn(tryOnce);

  const run = async (): Promise<void> => {
    let wait = FIRST;
    while (!stop.aborted) {
      const trouble = await flush()
        .then(async (found) => {
          if (found === null) await settled();
          return found;
        })
        .catch((error: unknown) => troubleOf(error));
      wait = trouble === null ? FIRST : Math.min(LONGEST, wait * 2);
      await bell.wait(trouble === null ? LONGEST : wait, stop);
    }
  };
  void run();
  return { wake: bell.ring, flush };
}

/** Of these, those that have their place in the log now. */
async function tellReceipts(home: Home, delivered: ReadonlySet<string>): Promise<void> {
  const { consents } = await readTwin(home);
  for (const entry of consents) {
    if (!delivered.has(entry.id) || entry.receipt === null) continue;
    const { id, event, receipt } = viewReceipt(entry);
    home.emit('consent', { id, event, receipt });
  }
}

async function tellRefused(home: Home, error: ProblemError, events: readonly string[]): Promise<void> {
  const { consents } = await readTwin(home);
  for (const entry of consents.filter(({ id }) => events.includes(id)))
    home.emit('consent', {
      id: entry.id,
      event: viewReceipt(entry).event,
      receipt: null,
      refused: error.code,
    });
}
