/**
 * A withdrawal at a region node. It counts from the moment it is stored: the next round check leaves the twin out, here and, as soon
 * as the outbox has delivered it, at the coordinator. What was kept on the strength of the consent goes with it.
 */
import { StoreError, type ConsentEntry } from '@twinkeep/edge-client/fleet';
import type { RegionStore } from '../store/open.ts';
import type { Collector, Evidence } from './collector.ts';

const ATTEMPTS = 5;

/** @returns whether anything was granted. @throws StoreError 'store/unknown-twin' */
export async function withdrawConsent(
  { store, collector }: { store: RegionStore; collector: Collector },
  subject: string,
  evidence: Evidence,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const chain = await readChain(store, subject);
    const consents = await collector.withdraw(subject, chain, evidence);
    try {
      if (consents.length > 0) await store.appendConsents(subject, chain.length, consents);
      await store.forgetEvents(subject);
      return consents.length > 0;
    } catch (error) {
      // Somebody else added to the chain meanwhile: link to that too.
      const conflict = error instanceof StoreError && error.code === 'store/conflict';
      if (!conflict || attempt === ATTEMPTS) throw error;
    }
  }
}

async function readChain(store: RegionStore, subject: string): Promise<ConsentEntry[]> {
  const [twin] = await store.readTwins([subject]);
  if (twin === undefined) throw new StoreError('store/unknown-twin', 'there is no such twin');
  return twin.consents;
}
