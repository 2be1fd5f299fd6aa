/** Random histories through IndexedDB in a real Chromium, in two handles as two tabs have them. CONSENT_HISTORIES sets how many (60 otherwise). */
import { openDexieStore, type DexieTwinStore } from '@twinkeep/edge-client/dexie';
import { CONSENT_HISTORIES } from '../../browser/histories.ts';
import { consentHistoriesContract } from '../../contracts/consent-histories.ts';

consentHistoriesContract('IndexedDB', CONSENT_HISTORIES, async (clock) => {
  const name = `histories-${crypto.randomUUID()}`;
  const open = (): Promise<DexieTwinStore> => openDexieStore({ name, crypto, clock, indexedDB });
  const [store, other] = [await open(), await open()];
  return {
    store,
    other,
    readEvents: (subject) => other.readEvents(subject),
    async close() {
      await store.eraseAll();
    },
  };
});
