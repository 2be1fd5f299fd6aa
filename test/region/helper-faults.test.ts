import { bytesToBase64Url } from '@twinkeep/audit';
import {
  decodeSums,
  helperFamily,
  setsOfHelper,
  signStatement,
  statementHash,
  type HelperReady,
  type Statement,
} from '@twinkeep/protocol';
import { currentEpoch, EPOCH_MILLIS, type HelperSink } from '@twinkeep/region';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dumpDatabase, finds } from './support/dump.ts';
import { createHelper, nothingSent, type TestHelper } from './support/helpers.ts';
import { createParties, type Parties } from './support/parties.ts';
import {
  createScript,
  otherWork,
  workOf,
  type MadeReport,
  type Reporter,
  type Script,
} from './support/script.ts';

let parties: Parties;
let script: Script;
let helper: TestHelper;
let others: TestHelper[];
let reporters: Reporter[];
beforeAll(async () => {
  parties = await createParties();
  const all = await Promise.all([1, 2, 3, 4].map((j) => createHelper(parties, j)));
  [helper, ...others] = all as [TestHelper, TestHelper, TestHelper, TestHelper];
  script = await createScript(parties);
  reporters = await Promise.all([1, 2, 3].map(() => script.reporter()));
});
afterAll(() => Promise.all([helper, ...others].map((each) => each.close())));
beforeEach(async () => {
  await helper.restart();
  Object.assign(helper, { sent: nothingSent(), refusals: [], clock: Date.now });
});

type SetOf = Awaited<ReturnType<Script['commit']>>;

interface Fork {
  config: Awaited<ReturnType<Script['config']>>;
  reports: MadeReport[];
  /** Two sets that the coordinator signed and logged for one round, and what the other helpers would say to each. */
  sets: [SetOf, SetOf];
  readies: [Statement<HelperReady>[], Statement<HelperReady>[]];
}

/** A coordinator that shows two sets: their difference would open one participant. All other helpers play along. */
async function fork(): Promise<Fork> {
  const config = await script.config([helper, ...others].map(({ epoch }) => epoch));
  const reports = await Promise.all(reporters.map((by) => script.report(config, by)));
  await helper.work(workOf(config, { reports: reports.map((report) => report.offered(helper.j)) }));
  const sets: [SetOf, SetOf] = [
    await script.commit(config, reports),
    await script.commit(config, reports.slice(1)),
  ];
  const readies = (await Promise.all(
    sets.map((set) => Promise.all([1, 2, 3, 4].map((j) => readyFor(set, j)))),
  )) as Fork['readies'];
  return { config, reports, sets, readies };
}

async function readyFor(set: SetOf, j: number): Promise<Statement<HelperReady>> {
  const { statement } = set.commit;
  const body = {
    v: 1 as const,
    rcHash: statement.body.rcHash,
    scHash: bytesToBase64Url(statementHash(statement)),
    j,
  };
  return signStatement('helper-ready', body, parties.helpers[j - 1]!);
}

function sumsFor(bytes: Uint8Array, { config }: Fork): string {
  const { dPadded, evaluationLength } = config.statement.body;
  const expected = {
    kid: parties.helpers[helper.j - 1]!.id,
    sets: setsOfHelper(helperFamily(4, 1), helper.j),
    words: dPadded + evaluationLength,
    bits: 32 as const,
  };
  return decodeSums(bytes, expected).statement.body.scHash;
}

describe('a helper that is killed', () => {
  const steps: [at: keyof HelperSink, when: 'before' | 'after'][] = [
    ['ack', 'before'],
    ['ack', 'after'],
    ['ready', 'before'],
    ['ready', 'after'],
    ['sums', 'before'],
    ['sums', 'after'],
  ];
  it.each(steps)('at its %s, %s it left, answers the same set and no other', async (at, when) => {
    helper.crash = { at, when };
    const made = await fork();
    const [set, forked] = made.sets;
    const [readies, forkedReadies] = made.readies;
    if (at !== 'ack') await helper.work(workOf(made.config, { set, readies: at === 'sums' ? readies : [] }));
    expect(helper.refusals).toEqual(['Crash']);

    await helper.restart();
    helper.refusals = [];
    // The coordinator now shows the other set, with readies of all, this helper's own forged from elsewhere.
    await helper.work(workOf(made.config, { set: forked, readies: forkedReadies }));
    expect(helper.refusals).toEqual(['helper/set']);
    await helper.work(workOf(made.config, { set, readies }));
    for (const { body } of helper.sent.readies) expect(body.scHash).toBe(readies[0]!.body.scHash);
    const answers = helper.sent.sums.map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(answers.length).toBeGreaterThan(0);
    expect(new Set(answers).size).toBe(1);
    expect(sumsFor(helper.sent.sums[0]!, made)).toBe(readies[0]!.body.scHash);
  });

  it('never binds itself to two sets, whatever it is shown and whenever it is killed', async () => {
    const action = fc.oneof(
      fc.record({ show: fc.constantFrom(0, 1), readies: fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]) }),
      fc.record({
        kill: fc.constantFrom<keyof HelperSink>('ready', 'sums'),
        when: fc.constantFrom<'before' | 'after'>('before', 'after'),
      }),
      fc.constant('restart' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 2, maxLength: 10 }), async (actions) => {
        Object.assign(helper, { sent: nothingSent(), refusals: [], crash: null });
        const made = await fork();
        const statements = made.readies.flat();
        for (const act of [
          ...actions,
          'restart' as const,
          { show: 0, readies: [0, 1, 2, 3] },
          { show: 1, readies: [4, 5, 6, 7] },
        ]) {
          if (act === 'restart') await helper.restart();
          else if ('kill' in act) helper.crash = { at: act.kill, when: act.when };
          else {
            const readies = act.readies.map((i) => statements[i]!);
            const crashed = helper.refusals.length;
            await helper.work(workOf(made.config, { set: made.sets[act.show]!, readies }));
            if (helper.refusals.slice(crashed).includes('Crash')) await helper.restart();
          }
        }
        const named = [
          ...helper.sent.readies.map(({ body }) => body.scHash),
          ...helper.sent.sums.map((bytes) => sumsFor(bytes, made)),
        ];
        expect(new Set(named).size).toBe(1);
        expect(helper.sent.sums.length).toBeGreaterThan(0);
        expect(
          new Set(helper.sent.sums.map((bytes) => Buffer.from(bytes).toString('hex'))).size,
        ).toBeLessThanOrEqual(1);
      }),
      { numRuns: 25 },
    );
  });

  it('and two processes on one database bind themselves to one set between them', async () => {
    const made = await fork();
    const [set, forked] = made.sets;
    const rcHash = set.commit.statement.body.rcHash;
    const bound = await Promise.all(
      [set, forked, set, forked].map((_, i) =>
        helper.store.bindSet(rcHash, made.readies[i % 2]![0]!.body.scHash, made.sets[i % 2]!.members),
      ),
    );
    expect(
      new Set(bound.map((refusal, i) => (refusal === null ? i % 2 : null)).filter((side) => side !== null))
        .size,
    ).toBe(1);
  });
});

describe('what a helper keeps', () => {
  const seedsOf = async (made: Fork): Promise<Uint8Array[]> => {
    const { rcHash } = made.sets[0].commit.statement.body;
    const seeds = await helper.store.seeds(
      rcHash,
      made.reports.map(({ headerHash }) => headerHash),
    );
    return [...seeds.values()].flatMap((bySet) => [...bySet.values()]);
  };

  it('shows no seed and no box key to whoever reads its database', async () => {
    const made = await fork();
    const seeds = await seedsOf(made);
    expect(seeds).toHaveLength(9);
    const { privateKey } = (await helper.store.epochKey(helper.epoch.e))!;
    const dump = await dumpDatabase(helper.databaseUrl);
    for (const secret of [...seeds, privateKey]) expect(finds(dump, secret)).toBe(false);
    // The search finds what does stand there in the clear.
    expect(finds(dump, made.reports[0]!.headerHash)).toBe(true);
    expect(finds(`${dump}\n\\x${Buffer.from(seeds[0]!).toString('hex')}`, seeds[0]!)).toBe(true);
    const { sub } = JSON.parse(Buffer.from(reporters[0]!.credential.split('.')[1]!, 'base64url').toString());
    expect(finds(dump, sub)).toBe(false);
  });

  it('loses the seeds when the round is no longer named, and answers no more', async () => {
    const made = await fork();
    await helper.work(otherWork({ rev: 2 }));
    expect(await seedsOf(made)).toEqual([]);
    await helper.work(workOf(made.config, { set: made.sets[0], readies: made.readies[0] }));
    expect(helper.refusals).toEqual(['helper/closed']);
    expect(helper.sent.sums).toEqual([]);
  });

  it('loses the seeds after the deadline, also while the coordinator still names the round', async () => {
    const made = await fork();
    helper.clock = () => Date.now() + 130_000;
    await helper.work(workOf(made.config, { set: made.sets[0], readies: made.readies[0] }));
    expect(await seedsOf(made)).toEqual([]);
    expect(helper.sent.sums).toEqual([]);
  });
});

describe('the epoch of a helper', () => {
  it('lasts a day, is the same statement each time, and is followed in time by the next', async () => {
    const key = parties.helpers[1]!;
    const { store } = others[0]!;
    const start = Date.now();
    const first = await currentEpoch(2, key, store, start);
    expect(first.body.notAfter - first.body.notBefore).toBeLessThanOrEqual(24 * 3_600_000);
    expect(await currentEpoch(2, key, store, start + EPOCH_MILLIS / 2 - 120_000)).toEqual(first);
    const second = await currentEpoch(2, key, store, start + EPOCH_MILLIS / 2 + 1);
    expect(second.body.e).toBe(first.body.e + 1);
    expect(second.body.boxKey).not.toBe(first.body.boxKey);
    expect(second.body.notBefore).toBeLessThan(first.body.notAfter);
  });

  it('keeps its key until the rounds that need it are over, and not longer', async () => {
    const [other] = others as [TestHelper];
    const task = await script.task({ windows: { collect: 60_000, ack: 864e5, reveal: 864e5 } });
    const epochs = [helper, ...others].map(({ epoch }) => epoch);
    const config = await script.config(epochs, {}, task);
    await other.work(workOf(config, {}));
    const later = Date.now() + 2 * EPOCH_MILLIS;
    await other.store.eraseEpochs(later);
    expect(await other.store.epochKey(other.epoch.e)).not.toBeNull();
    await other.store.closeRounds([], later);
    await other.store.eraseEpochs(later);
    expect(await other.store.epochKey(other.epoch.e)).toBeNull();
  });
});
