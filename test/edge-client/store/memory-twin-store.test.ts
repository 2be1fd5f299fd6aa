import { twinStoreContract } from '../../contracts/twin-store.ts';
import { createMemoryTwinStore } from '../../support/memory-twin-store.ts';

twinStoreContract('memory', async () => {
  const store = createMemoryTwinStore();
  return { store, reopen: async () => store, close: async () => {} };
});
