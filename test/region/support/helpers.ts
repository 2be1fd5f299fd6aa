/** Mask helpers on databases of their own, which a test can stop at any point and start again. */
import {
  exportSigningKey,
  ProblemError,
  type HelperAck,
  type HelperClose,
  type HelperEpoch,
  type HelperReady,
  type HelperWork,
  type RoundConfig,
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
  type HelperPolicy,
  type HelperSink,
  type HelperStore,
  type HelperTables,
} from '@twinkeep/region';
import { createTestDatabase } from '../../support/postgres.ts';
import type { Parties } from './parties.ts';

export interface Sent {
  cosignatures: Statement<RoundConfig>[];
  acks: Statement<HelperAck>[];
  readies: Statement<HelperReady>[];
  sums: Uint8Array[];
  closes: Statement<HelperClose>[];
}

export const nothingSent = (): Sent => ({ cosignatures: [], acks: [], readies: [], sums: [], closes: [] });

/** Where a helper can be killed: as a statement leaves, or around a write to its database. */
export type CrashPoint =
  keyof HelperSink | 'admitRound' | 'addVerdicts' | 'bindSet' | 'answerSet' | 'closeRound' | 'advanceLog';

export interface TestHelper {
  j: number;
  databaseUrl: string;
  epoch: HelperEpoch;
  /** Everything that left the helper, over all its lives. */
  sent: Sent;
  /** Codes of what it refused to do. */
  refusals: string[];
  /** Where set, thrown before or after a statement leaves or a row is written, as a crash at that point. */
  crash: { at: CrashPoint; when: 'before' | 'after' } | null;
  clock: () => number;
  store: HelperStore;
  work(work: HelperWork): Promise<boolean>;
  /** A new process on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export class Crash extends Error {}

export async function createHelper(
  parties: Parties,
  j: number,
  own: Partial<Pick<HelperPolicy, 'minReports' | 'privacy' | 'trust'>> = {},
): Promise<TestHelper> {
  const key = parties.helpers[j - 1]!;
  const seal = createHelperSeal(privatePart(await exportSigningKey(key)));
  const databaseUrl = await createTestDatabase();
  const open = (): Promise<HelperStore> =>
    openHelperStore(openDatabase<HelperTables>(databaseUrl, 2), { j, keyId: key.id }, seal);
  const policy = { j, keyId: key.id, trust: parties.trust, minReports: 2, privacy: null, ...own };
  const masks = createMaskThreads();

  const passing = async <T>(at: CrashPoint, act: () => Promise<T>): Promise<T> => {
    if (helper.crash?.at === at && helper.crash.when === 'before') throw new Crash();
    const done = await act();
    if (helper.crash?.at === at) throw new Crash();
    return done;
  };
  const leave = <T>(at: keyof HelperSink, thing: T, to: T[]): Promise<void> =>
    passing(at, async () => void to.push(thing));
  const sink: HelperSink = {
    cosignature: (statement) => leave('cosignature', statement, helper.sent.cosignatures),
    ack: (statement) => leave('ack', statement, helper.sent.acks),
    ready: (statement) => leave('ready', statement, helper.sent.readies),
    sums: (_, bytes) => leave('sums', bytes, helper.sent.sums),
    close: (statement) => leave('close', statement, helper.sent.closes),
  };
  const mortal = (store: HelperStore): HelperStore => ({
    ...store,
    admitRound: (...args) => passing('admitRound', () => store.admitRound(...args)),
    addVerdicts: (...args) => passing('addVerdicts', () => store.addVerdicts(...args)),
    bindSet: (...args) => passing('bindSet', () => store.bindSet(...args)),
    answerSet: (...args) => passing('answerSet', () => store.answerSet(...args)),
    closeRound: (...args) => passing('closeRound', () => store.closeRound(...args)),
    advanceLog: (...args) => passing('advanceLog', () => store.advanceLog(...args)),
  });
  const start = (store: HelperStore): Pick<TestHelper, 'store' | 'work'> => ({
    store,
    work: createDuties({
      policy,
      key,
      store: mortal(store),
      source: {
        entries: (from, to) => parties.served.source.entries(from, to),
        consistency: (from, to) => parties.served.source.consistency(from, to),
      },
      masks,
      sink,
      askTask: async (taskId) => {
        const task = parties.served.tasks.get(taskId);
        if (task === undefined) throw new ProblemError('task/unknown');
        return task;
      },
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
    sent: nothingSent(),
    refusals: [],
    crash: null,
    clock: Date.now,
    ...start(store),
    async restart() {
      await helper.store.close();
      Object.assign(helper, start(await open()), { crash: null });
    },
    async close() {
      await masks.close();
      await helper.store.close();
    },
  };
  return helper;
}
