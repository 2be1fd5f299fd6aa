import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  addPacked,
  decodeSums,
  helperFamily,
  setsOfHelper,
  signStatement,
  statementHash,
  subtractWords,
  unpackWords,
} from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHelper, nothingSent, type TestHelper } from './support/helpers.ts';
import { createParties, type Parties } from './support/parties.ts';
import { createScript, workOf, type MadeReport, type Reporter, type Script } from './support/script.ts';

let parties: Parties;
let script: Script;
let helpers: TestHelper[];
let reporters: Reporter[];
beforeAll(async () => {
  parties = await createParties();
  helpers = await Promise.all([1, 2, 3, 4].map((j) => createHelper(parties, j)));
  script = await createScript(parties);
  reporters = await Promise.all([1, 2, 3].map(() => script.reporter()));
});
afterAll(() => Promise.all(helpers.map((helper) => helper.close())));
beforeEach(() => {
  for (const helper of helpers) Object.assign(helper, { sent: nothingSent(), refusals: [] });
});

type Config = Awaited<ReturnType<Script['config']>>;
type Task = Awaited<ReturnType<Script['task']>>;
const openRound = (overrides = {}, task?: Task): Promise<Config> =>
  script.config(
    helpers.map(({ epoch }) => epoch),
    overrides,
    task,
  );

describe('a round', () => {
  it('ends with sums of masks that open exactly the sum of the set', async () => {
    const config = await openRound();
    const reports = await Promise.all(reporters.map((by) => script.report(config, by)));
    await Promise.all(helpers.map((helper) => helper.work(offer(config, reports, helper.j))));
    for (const { sent } of helpers) {
      expect(sent.acks).toHaveLength(1);
      expect(sent.acks[0]!.body.refused).toEqual([]);
      expect([...sent.acks[0]!.body.accepted].sort()).toEqual(
        reports.map(({ headerHash }) => headerHash).sort(),
      );
    }

    const set = await script.commit(config, reports);
    await Promise.all(helpers.map((helper) => helper.work(workOf(config, { set }))));
    const readies = helpers.flatMap(({ sent }) => sent.readies);
    expect(readies).toHaveLength(4);
    expect(helpers.flatMap(({ sent }) => sent.sums)).toEqual([]);

    await Promise.all(helpers.map((helper) => helper.work(workOf(config, { set, readies }))));
    const { dPadded, evaluationLength } = config.statement.body;
    const words = dPadded + evaluationLength;
    const bySet = new Map<number, string[]>();
    const opened = new Uint32Array(words);
    for (const { decoded } of reports) addPacked(opened, decoded.vectorBytes, 32);
    for (const { j, sent } of helpers) {
      const sets = setsOfHelper(helperFamily(4, 1), j);
      const { sums } = decodeSums(sent.sums[0]!, { kid: parties.helpers[j - 1]!.id, sets, words, bits: 32 });
      for (const [index, sum] of sums) {
        const hex = Buffer.from(sum).toString('hex');
        if (bySet.get(index) === undefined) subtractWords(opened, unpackWords(sum, words, 32));
        bySet.set(index, [...(bySet.get(index) ?? []), hex]);
      }
    }
    // Each of the four sums comes from three helpers, alike.
    expect([...bySet.values()].map((given) => [given.length, new Set(given).size])).toEqual(
      Array(4).fill([3, 1]),
    );
    const clear = new Int32Array(words);
    for (const report of reports) report.clear.forEach((value, i) => (clear[i]! += value));
    expect([...new Int32Array(opened.buffer)]).toEqual([...clear]);
  });

  it('answers nothing before q helpers are ready for the same set', async () => {
    const { config, set } = await ackedSet();
    const [one, two, three, four] = helpers as [TestHelper, TestHelper, TestHelper, TestHelper];
    for (const helper of helpers) await helper.work(workOf(config, { set }));
    const ready = (helper: TestHelper) => helper.sent.readies[0]!;
    await one.work(workOf(config, { set, readies: [] }));
    await one.work(workOf(config, { set, readies: [ready(one), ready(two)] }));
    await one.work(workOf(config, { set, readies: [ready(one), ready(two), ready(two), ready(two)] }));
    // A statement that another helper made says nothing under one's own number.
    const forged = { ...ready(three), body: { ...ready(three).body, j: 4 } };
    await one.work(workOf(config, { set, readies: [ready(one), ready(two), forged] }));
    await one.work(workOf(config, { set, readies: [ready(two), ready(three), ready(four)] }));
    expect(one.sent.sums).toEqual([]);
    await one.work(workOf(config, { set, readies: [ready(one), ready(two), ready(three)] }));
    expect(one.sent.sums).toHaveLength(1);
  });

  it('does not count readies for another set', async () => {
    const { config, set, reports } = await ackedSet();
    const [one] = helpers as [TestHelper];
    await one.work(workOf(config, { set }));
    const other = await script.commit(config, reports.slice(0, 2));
    const { rcHash } = set.commit.statement.body;
    const scHash = bytesToBase64Url(statementHash(other.commit.statement));
    const elsewhere = await Promise.all(
      [2, 3, 4].map((j) =>
        signStatement('helper-ready', { v: 1 as const, rcHash, scHash, j }, parties.helpers[j - 1]!),
      ),
    );
    await one.work(workOf(config, { set, readies: [...one.sent.readies, ...elsewhere] }));
    expect(one.sent.sums).toEqual([]);
  });
});

describe('a round configuration is refused', () => {
  const refused = async (config: Config, code: string): Promise<void> => {
    const [helper] = helpers as [TestHelper];
    const report = await script.report(config, reporters[0]!).catch(() => null);
    await helper.work(workOf(config, { reports: report === null ? [] : [report.offered(1)] }));
    expect(helper.sent.acks).toEqual([]);
    expect(helper.refusals).toEqual([code]);
  };

  it('where the coordinator did not sign it', async () => {
    const { statement } = await openRound();
    await refused(
      await script.publish('round-config', statement.body, parties.helpers[0]),
      'protocol/statement',
    );
  });
  it('where it is not in the log', async () => {
    const one = await openRound();
    const two = await openRound();
    await refused({ ...one, proof: two.proof }, 'protocol/proof');
    helpers[0]!.refusals = [];
    await refused({ ...one, leaf: two.leaf, salt: two.salt, proof: two.proof }, 'protocol/proof');
  });
  it.each([
    ['it opens smaller sums than this helper asks for', { nMin: 1 }, 'protocol/statement'],
    ['its quorum lets two sets through', { q: 2 }, 'helper/config'],
    ['two helpers may collude and the quorum does not know', { c: 2 }, 'helper/config'],
    ['there is no head-room', { unit: 2 ** 20, qTwin: 2 ** 20 + 1 }, 'helper/config'],
    ['another issuer counts', { issuerKeys: ['A'.repeat(43)] }, 'helper/config'],
    ['its times are not in order', { revealDeadline: 1 }, 'helper/config'],
    ['it was open before the epoch', timesFrom(1), 'helper/config'],
    ['it takes reports after the epoch', timesFrom(Date.now() + 3 * 864e5), 'helper/config'],
    ['its bound is another than the task says', { clipL2: 2 }, 'helper/config'],
    ['words are shorter than the task says', { b: 20 as const }, 'helper/config'],
    ['it is of another task', { taskHash: 'A'.repeat(43) }, 'helper/config'],
  ])('where %s', async (_why, overrides, code) => refused(await openRound(overrides), code));

  it('where nMin is below the floor of this helper', async () => {
    const careful = await createHelper(parties, 1, { minReports: 5 });
    const epochs = [careful, ...helpers.slice(1)].map(({ epoch }) => epoch);
    const floors = { nTarget: 5, minTwins: 20, maxTwins: 10_000 };
    const [four, five] = [
      await script.task({ floors: { ...floors, nMin: 4 } }),
      await script.task({ floors: { ...floors, nMin: 5 } }),
    ];
    await careful.work(workOf(await script.config(epochs, {}, four), {}));
    expect(careful.refusals).toEqual(['helper/config']);
    await careful.work(workOf(await script.config(epochs, {}, five), {}));
    expect(careful.refusals).toHaveLength(1);
    await careful.close();
  });
  it('where a helper is not the pinned one, or this one has another box key', async () => {
    const { body } = (await openRound()).statement;
    const swap = (at: number, change: object) =>
      openRound({ helpers: body.helpers.map((helper, i) => (i === at ? { ...helper, ...change } : helper)) });
    await refused(await swap(3, { key: 'A'.repeat(43) }), 'helper/config');
    helpers[0]!.refusals = [];
    await refused(await swap(0, { boxKey: 'A'.repeat(43) }), 'helper/config');
    helpers[0]!.refusals = [];
    await refused(await swap(0, { e: 9 }), 'helper/config');
  });
  it('where another configuration of this task and round was taken on', async () => {
    const one = await openRound({ round: 900 });
    await helpers[0]!.work(workOf(one, { reports: [(await script.report(one, reporters[0]!)).offered(1)] }));
    expect(helpers[0]!.sent.acks).toHaveLength(1);
    helpers[0]!.sent.acks = [];
    await refused(await openRound({ round: 900 }), 'helper/closed');
  });
});

describe('a report is refused', () => {
  const verdict = async (
    config: Config,
    offered: ReturnType<MadeReport['offered']>[],
  ): Promise<(string | null)[]> => {
    const [helper] = helpers as [TestHelper];
    await helper.work(workOf(config, { reports: offered }));
    const { accepted, refused } = helper.sent.acks.at(-1)!.body;
    return [...accepted.map(() => null), ...refused.map(({ code }) => code)];
  };
  const change = (text: string): string => {
    const bytes = base64UrlToBytes(text);
    bytes[bytes.length - 1]! ^= 1;
    return Buffer.from(bytes).toString('base64url');
  };

  const wrong: [
    what: string,
    make: (config: Config, by: Reporter) => Promise<ReturnType<MadeReport['offered']>>,
    code: string,
  ][] = [
    [
      'its signature is changed',
      async (config, by) => {
        const offered = (await script.report(config, by)).offered(1);
        return { ...offered, signature: change(offered.signature) };
      },
      'report/signature',
    ],
    [
      'its header is changed',
      async (config, by) => {
        const offered = (await script.report(config, by)).offered(1);
        return { ...offered, header: change(offered.header) };
      },
      'report/malformed',
    ],
    [
      'its box is changed',
      async (config, by) => {
        const offered = (await script.report(config, by)).offered(1);
        return { ...offered, box: change(offered.box) };
      },
      'report/box-hash',
    ],
    [
      "its box is another helper's",
      async (config, by) => {
        const report = await script.report(config, by);
        return { ...report.offered(1), box: report.offered(2).box };
      },
      'report/box-hash',
    ],
    [
      'its box is that of another report',
      async (config, by) => {
        const box = (await script.report(config, by)).offered(1).box;
        return { ...(await script.report(config, by)).offered(1), box };
      },
      'report/box-hash',
    ],
    [
      'its box was sealed to another key',
      async (config, by) => {
        const strangers = config.statement.body.helpers.map((helper) => ({
          ...helper,
          boxKey: helpers[1]!.epoch.boxKey,
        }));
        return (await script.report(config, by, 1_000, strangers)).offered(1);
      },
      'protocol/box',
    ],
    [
      'it was made for another round',
      async (_config, by) => (await script.report(await openRound(), by)).offered(1),
      'round/config-mismatch',
    ],
    [
      'its credential is for another key',
      async (config, by) => {
        const { key } = await script.reporter();
        return (await script.report(config, { key, credential: by.credential })).offered(1);
      },
      'report/key',
    ],
    [
      'its credential has expired',
      async (config) => (await script.report(config, await script.reporter({ lifetime: -10 }))).offered(1),
      'auth/credential-expired',
    ],
    [
      "its credential is an operator's",
      async (config) =>
        (await script.report(config, await script.reporter({ scope: 'operator' }))).offered(1),
      'auth/forbidden',
    ],
    [
      'it sums more twins than it may',
      async (config) => (await script.report(config, await script.reporter({ maxTwins: 30 }), 31)).offered(1),
      'report/too-many-twins',
    ],
    [
      'it sums fewer twins than the cohort',
      async (config, by) => (await script.report(config, by, 19)).offered(1),
      'report/too-few-twins',
    ],
  ];
  it.each(wrong)('where %s', async (_what, make, code) => {
    const config = await openRound();
    expect(await verdict(config, [await make(config, reporters[0]!)])).toEqual([code]);
  });

  it("not where one person's own device reports one twin", async () => {
    const config = await openRound();
    const report = await script.report(config, await script.reporter({ maxTwins: 1 }), 1);
    expect(await verdict(config, [report.offered(1)])).toEqual([null]);
  });

  it('from an issuer that is not pinned', async () => {
    const others = await createParties();
    const key = reporters[0]!.key;
    const config = await openRound();
    const report = await script.report(config, { key, credential: await others.admit(key) });
    expect(await verdict(config, [report.offered(1)])).toEqual(['auth/credential']);
  });

  it('where the same participant is in the round already, by whatever device', async () => {
    const config = await openRound();
    const sub = 'AAAAAAAAAAAAAAAAAAAAAA';
    const [first, second] = [await script.reporter({ sub }), await script.reporter({ sub })];
    expect(await verdict(config, [(await script.report(config, first)).offered(1)])).toEqual([null]);
    expect(await verdict(config, [(await script.report(config, second)).offered(1)])).toEqual([
      'report/duplicate',
    ]);
    expect(await verdict(config, [(await script.report(config, first)).offered(1)])).toEqual([
      'report/duplicate',
    ]);
    const next = await openRound();
    expect(await verdict(next, [(await script.report(next, second)).offered(1)])).toEqual([null]);
    const both = await openRound();
    const offered = [
      (await script.report(both, first)).offered(1),
      (await script.report(both, second)).offered(1),
    ];
    expect(await verdict(both, offered)).toEqual([null, 'report/duplicate']);
  });

  it('or accepted once, and with the same verdict for ever', async () => {
    const day = 864e5;
    const task = await script.task({ windows: { collect: 60_000, ack: day, reveal: day } });
    const config = await openRound({}, task);
    const report = (await script.report(config, await script.reporter({ lifetime: 3_600 }))).offered(1);
    expect(await verdict(config, [report, report])).toEqual([null]);
    // By now the credential has expired, and the answer may have been lost.
    helpers[0]!.clock = () => Date.now() + 1.5 * day;
    await helpers[0]!.restart();
    expect(await verdict(config, [report])).toEqual([null]);
    helpers[0]!.clock = Date.now;
  });
});

describe('a set is refused', () => {
  it.each([
    ['its count is wrong', { count: 2 }],
    ['its twins do not add up', { twins: 2_999 }],
    ['its root is of other members', { merkleRoot: 'A'.repeat(43) }],
    ['it is of another round', { rcHash: 'A'.repeat(43) }],
  ])('where %s', async (_why, overrides) => {
    const { config, reports } = await acked();
    const set = await script.commit(config, reports, overrides);
    await helpers[0]!.work(workOf(config, { set }));
    expect(helpers[0]!.refusals).toEqual(['helper/set']);
    expect(helpers[0]!.sent.readies).toEqual([]);
  });

  it('where it is smaller than the smallest cohort, or names a report twice to hide that', async () => {
    for (const times of [1, 2]) {
      const { config, reports } = await acked();
      const members = Array.from({ length: times }, () => reports[0] as MadeReport);
      await helpers[0]!.work(workOf(config, { set: await script.commit(config, members) }));
    }
    expect(helpers[0]!.refusals).toEqual(['helper/set', 'helper/set']);
  });

  it('where this helper refused a member or never saw it', async () => {
    const strange = [
      async (config: Config) => script.report(config, await script.reporter()),
      async (config: Config) => {
        const bad = await script.report(config, await script.reporter({ maxTwins: 2 }), 999);
        await helpers[0]!.work(workOf(config, { reports: [bad.offered(1)] }));
        return bad;
      },
    ];
    for (const make of strange) {
      const { config, reports } = await acked();
      const set = await script.commit(config, [...reports, await make(config)]);
      await helpers[0]!.work(workOf(config, { set }));
    }
    expect(helpers[0]!.refusals).toEqual(['helper/set', 'helper/set']);
    expect(helpers[0]!.sent.readies).toEqual([]);
  });

  it('where the coordinator did not sign or log it', async () => {
    const { config, reports } = await acked();
    const good = await script.commit(config, reports);
    const foreign = await script.publish('set-commit', good.commit.statement.body, parties.helpers[1]);
    await helpers[0]!.work(workOf(config, { set: { ...good, commit: foreign } }));
    await helpers[0]!.work(
      workOf(config, { set: { ...good, commit: { ...good.commit, proof: foreign.proof } } }),
    );
    expect(helpers[0]!.refusals).toEqual(['protocol/statement', 'protocol/proof']);
  });

  it('after the deadline', async () => {
    const { config, reports } = await acked();
    const set = await script.commit(config, reports);
    helpers[0]!.clock = () => Date.now() + 130_000;
    await helpers[0]!.work(workOf(config, { set }));
    helpers[0]!.clock = Date.now;
    expect(helpers[0]!.refusals).toEqual(['helper/closed']);
    expect(helpers[0]!.sent.readies).toEqual([]);
  });
});

function offer(config: Config, reports: readonly MadeReport[], j: number) {
  return workOf(config, { reports: reports.map((report) => report.offered(j)) });
}

/** A round whose three reports every helper has accepted. */
async function acked(): Promise<{ config: Config; reports: MadeReport[] }> {
  const config = await openRound();
  const reports = await Promise.all(reporters.map((by) => script.report(config, by)));
  for (const helper of helpers) await helper.work(offer(config, reports, helper.j));
  return { config, reports };
}

async function ackedSet(): Promise<{
  config: Config;
  reports: MadeReport[];
  set: Awaited<ReturnType<Script['commit']>>;
}> {
  const { config, reports } = await acked();
  return { config, reports, set: await script.commit(config, reports) };
}

/** The four times of a round that opens then, as the tasks here space them. */
function timesFrom(openAt: number): Record<'openAt' | 'closeAt' | 'ackDeadline' | 'revealDeadline', number> {
  return {
    openAt,
    closeAt: openAt + 60_000,
    ackDeadline: openAt + 90_000,
    revealDeadline: openAt + 120_000,
  };
}
