/** Random histories through the tables of a region node, in two handles as two processes have them. An eighth of CONSENT_HISTORIES. */
import { randomBytes, sodiumReady } from '@twinkeep/protocol';
import { openDatabase, openRegionStore, type RegionStore, type RegionTables } from '@twinkeep/region';
import { beforeAll } from 'vitest';
import { consentHistoriesContract } from '../contracts/consent-histories.ts';
import { createTestDatabase } from '../support/postgres.ts';

const HISTORIES = Math.ceil(Number(process.env['CONSENT_HISTORIES'] ?? 120) / 8);

beforeAll(() => sodiumReady);

consentHistoriesContract('PostgreSQL', HISTORIES, async () => {
  const url = await createTestDatabase();
  const wrappingKey = randomBytes(32);
  const open = (): Promise<RegionStore> => openRegionStore(openDatabase<RegionTables>(url, 2), wrappingKey);
  const [store, other] = [await open(), await open()];
  return {
    store,
    other,
    readEvents: null,
    async close() {
      await Promise.all([store.close(), other.close()]);
    },
  };
});
