/** Mask helpers on databases of their own, which a test can stop at any point and start again. */
import {
  exportSigningKey,
  type HelperAck,
  type HelperEpoch,
  type HelperReady,
  type HelperWork,
  type Statement,
} from '@twinkeep/protocol';
import {
  createDuties,
  createHelperSeal,
  createMaskThreads,
  currentEpoch,
  openDatabase,
  openHelperStore,
  privatePart,
  type HelperSink,
  type HelperStore,
  type HelperTables,
} from '@twinkeep/region';
import { createTestDatabase } from '../../support/postgres.ts';
import type { Parties } from './parties.ts';

export interface TestHelper {
  j: number;
  databaseUrl: string;
  epoch: HelperEpoch;
  /** Everything that left the helper, over all its lives. */
  sent: { acks: Statement<HelperAck>[]; readies: Statement<HelperReady>[]; sums: Uint8Array[] };
  /** Codes of what it refused to do. */
  refusals: string[];
  /** Where set, thrown before or after a statement leaves, as a crash at that point. */
  crash: { at: keyof HelperSink; when: 'before' | 'after' } | null;
  clock: () => number;
  store: HelperStore;
  work(work: HelperWork): Promise<boolean>;
  /** A new process on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export class Crash extends Error {}

export async function createHelper(parties: Parties, j: number, minReports: number = 2): Promise<TestHelper> {
  const key = parties.helpers[j - 1]!;
  const seal = createHelperSeal(privatePart(await exportSigningKey(key)));
  const databaseUrl = await createTestDatabase();
  const open = (): Promise<HelperStore> =>
    openHelperStore(openDatabase<HelperTables>(databaseUrl, 2), { j, keyId: key.id }, seal);
  const policy = { j, keyId: key.id, trust: parties.trust, minReports };

  const leave = async <T>(at: keyof HelperSink, thing: T, to: T[]): Promise<void> => {
    if (helper.crash?.at === at && helper.crash.when === 'before') throw new Crash();
    to.push(thing);
    if (helper.crash?.at === at) throw new Crash();
  };
  const sink: HelperSink = {
    ack: (statement) => leave('ack', statement, helper.sent.acks),
    ready: (statement) => leave('ready', statement, helper.sent.readies),
    sums: (_, bytes) => leave('sums', bytes, helper.sent.sums),
  };
  const start = (store: HelperStore): Pick<TestHelper, 'store' | 'work'> => ({
    store,
    work: createDuties({
      policy,
      key,
      store,
      masks: createMaskThreads(),
      sink,
      clock: () => helper.clock(),
      onTrouble: (_, error) =>
        helper.refusals.push((error as { code?: string }).code ?? (error as Error).constructor.name),
    }),
  });

  const store = await open();
  const helper: TestHelper = {
    j,
    databaseUrl,
    epoch: (await currentEpoch(j, key, store, Date.now())).body,
    sent: { acks: [], readies: [], sums: [] },
    refusals: [],
    crash: null,
    clock: Date.now,
    ...start(store),
    async restart() {
      await helper.store.close();
      Object.assign(helper, start(await open()), { crash: null });
    },
    close: () => helper.store.close(),
  };
  return helper;
}
