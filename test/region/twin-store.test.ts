import { openDatabase, openRegionStore, type RegionStore, type RegionTables } from '@twinkeep/region';
import { randomBytes, sodiumReady } from '@twinkeep/protocol';
import { beforeAll } from 'vitest';
import { twinStoreContract } from '../contracts/twin-store.ts';
import { createTestDatabase } from '../support/postgres.ts';

beforeAll(() => sodiumReady);

twinStoreContract('PostgreSQL', async () => {
  const url = await createTestDatabase();
  const wrappingKey = randomBytes(32);
  const opened: RegionStore[] = [];
  const open = async (): Promise<RegionStore> => {
    const store = await openRegionStore(openDatabase<RegionTables>(url, 4), wrappingKey);
    opened.push(store);
    return store;
  };
  return {
    store: await open(),
    reopen: open,
    close: async () => {
      await Promise.all(opened.map((store) => store.close()));
    },
  };
});
