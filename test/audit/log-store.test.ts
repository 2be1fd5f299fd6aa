import { logStoreContract } from '../contracts/log-store.ts';
import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';

logStoreContract('memory', async () => {
  const state = createMemoryLogState();
  return { open: async () => createMemoryLogStore(state), close: async () => undefined };
});
