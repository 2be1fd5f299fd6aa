/** A region node's own things, from its configuration: keys, store, and the hand that signs consents for it. */
import type { ConsentUse } from '@twinkeep/consent';
import type { AdmitPolicy } from '@twinkeep/edge-client/fleet';
import { randomBytes, sodiumReady, type SigningKey } from '@twinkeep/protocol';
import { createCollector, type Collector } from '../consent/collector.ts';
import { readKey, readRegionConfig, readWrappingKey, type RegionConfig } from '../process/config.ts';
import { openDatabase } from '../process/database.ts';
import type { RegionTables } from '../store/schema.ts';
import { openRegionStore, type RegionStore } from '../store/open.ts';

export interface Region {
  config: RegionConfig;
  key: SigningKey;
  store: RegionStore;
  collector: Collector;
  /** What the gate G0 asks where events are collected for these uses. */
  policyFor(uses: readonly ConsentUse[]): AdmitPolicy;
}

/** @throws RegionError 'config/...', 'store/foreign'; what PostgreSQL says where the database cannot be reached */
export async function openRegion(configFile: string, clock: () => number = Date.now): Promise<Region> {
  await sodiumReady;
  const config = await readRegionConfig(configFile);
  const key = await readKey(config.keyFile);
  const wrappingKey = await readWrappingKey(config.wrappingKeyFile);
  const { party, controller, retentionDays, databaseUrl } = config;
  const collector = await createCollector({ key, party, controller, random: randomBytes, clock });
  const store = await openRegionStore(openDatabase<RegionTables>(databaseUrl, 3), wrappingKey);
  return { config, key, store, collector, policyFor: (uses) => ({ uses, retentionDays }) };
}
