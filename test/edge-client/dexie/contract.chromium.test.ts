/** The port's contract on IndexedDB, in a real Chromium: in a storage bucket, as there, and without one, as in other browsers. */
import { CATEGORIES } from '@twinkeep/consent';
import { openDexieStore, type DexieTwinStore } from '@twinkeep/edge-client/dexie';
import { twinStoreContract } from '../../contracts/twin-store.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
let stores = 0;

for (const [place, indexedDB] of [
  ['in a bucket', undefined],
  ['without buckets', globalThis.indexedDB],
] as const) {
  twinStoreContract(`IndexedDB, ${place}`, async () => {
    const name = `contract-${stores++}`;
    const opened: DexieTwinStore[] = [];
    const open = async (): Promise<DexieTwinStore> => {
      // The contract's chains are no consents; what the gate does is tested beside.
      const rule = () => () => new Set(CATEGORIES);
      const store = await openDexieStore({ name, crypto, clock: () => NOW, indexedDB, rule });
      opened.push(store);
      return store;
    };
    return {
      store: await open(),
      reopen: open,
      close: async () => {
        await opened[0]?.eraseAll();
      },
    };
  });
}
