/**
 * Two sums on one model, of sets that differ in one report: their difference is that report, unless the sums carry noise. Only the helpers
 * know whether a round that was called abandoned was opened. One helper may be the coordinator's accomplice, here number 3.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { signStatement, statementHash, type RoundConfig, type RoundEnd } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestHelper } from '../region/support/helpers.ts';
import { otherWork, workOf, type MadeReport } from '../region/support/script.ts';
import {
  createHouse,
  cosignWith,
  epochsOf,
  firstRound,
  noisy,
  openWith,
  rcHashOf,
  readyOf,
  twinDecides,
  type Config,
  type House,
} from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

const ofModel = ({ statement }: Config): Partial<RoundConfig> => ({ modelHash: statement.body.modelHash });

/** Shows everybody a set of the reports, and what they then say. */
const answered = async (config: Config, reports: readonly MadeReport[]): Promise<number> => {
  const before = house.helpers.map(({ sent }) => sent.sums.length);
  await house.answer(config, await house.script.commit(config, reports));
  return house.helpers.filter(({ sent }, i) => sent.sums.length > before[i]!).length;
};

describe('without noise', () => {
  // Defence: edge-client/region/helper/ledger.ts, `answeredOnModel`.
  it('no helper answers a second set on a model, whatever the round before is called', async () => {
    const first = await house.accepted();
    expect(await answered(first.config, first.reports)).toBe(4);
    await house.script.abandon(first.config);
    const second = await house.accepted(ofModel(first.config));
    expect(await answered(second.config, second.reports.slice(1))).toBe(0);
    for (const { refusals } of house.helpers) expect(new Set(refusals)).toEqual(new Set(['helper/set']));
    // The evaluation of a model is of other twins, and a model of its own is another matter.
    const other = await house.accepted();
    expect(await answered(other.config, other.reports)).toBe(4);
  });

  // Defence: edge-client/region/helper/ledger.ts, `findRefusal` in `answerSet`: a ready that was given before binds nobody to answer.
  it('nor one that it had said ready for before it answered the other', async () => {
    const first = await house.config();
    const configs = [first, await house.config(ofModel(first))] as const;
    const reports = await Promise.all(
      configs.map((config) => Promise.all(house.reporters.map((by) => house.script.report(config, by)))),
    );
    // The coordinator names both rounds all the time: a helper closes one that is not named any more.
    const show = async (helper: TestHelper, stages: Parameters<typeof workOf>[1][]): Promise<void> => {
      const rounds = configs.flatMap((config, at) => workOf(config, stages[at]!).rounds);
      await helper.work(otherWork({ rounds }));
    };
    for (const helper of house.helpers)
      await show(
        helper,
        reports.map((each) => ({ reports: each.map((report) => report.offered(helper.j)) })),
      );
    const sets = [
      await house.script.commit(configs[0], reports[0]!),
      await house.script.commit(configs[1], reports[1]!.slice(1)),
    ] as const;
    for (const helper of house.helpers)
      await show(
        helper,
        sets.map((set) => ({ set })),
      );
    const readies = house.helpers.flatMap(({ sent }) => sent.readies);
    expect(readies).toHaveLength(8);
    const [one] = house.helpers;
    await show(
      one,
      sets.map((set) => ({ set, readies })),
    );
    expect(one.sent.sums).toHaveLength(1);
    expect(one.refusals).toEqual(['helper/set']);
  });

  // Defence: edge-client/region/helper/ledger.ts, `closeRound`: who answered does not close.
  it('a helper that answered does not say that it did not, and one that closed never answers', async () => {
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports);
    const [one, two] = house.helpers;
    for (const helper of [one, two]) await helper.work(workOf(config, { set }));
    const readies = [...one.sent.readies, ...two.sent.readies, await readyOf(house, set, 3)];
    await one.work(workOf(config, { set, readies }));
    expect(one.sent.sums).toHaveLength(1);
    const closing = [{ config, result: await house.script.abandon(config) }];
    for (const helper of [one, two]) await helper.work(otherWork({ closing }));
    expect(one.sent.closes).toEqual([]);
    expect(one.refusals).toEqual(['helper/answered']);
    expect(two.sent.closes.map(({ body }) => [body.rcHash, body.ready])).toEqual([[rcHashOf(config), true]]);
    await two.work(workOf(config, { set, readies }));
    expect(two.sent.sums).toEqual([]);
  });

  // Defence: edge-client/region/helper/close.ts, `closeAbandoned`: only the logged, signed result of that very round.
  it('a helper closes no round that the log does not call abandoned', async () => {
    const { config } = await house.accepted();
    const other = await house.accepted();
    const [one] = house.helpers;
    const sealed = await house.script.abandon(config, { status: 'sealed', reason: null });
    const elsewhere = await house.script.abandon(other.config);
    const { body } = (await house.script.abandon(config)).statement;
    const forged = await house.script.publish('round-result', body, house.parties.helpers[2]);
    for (const result of [sealed, elsewhere, forged])
      await one.work(otherWork({ closing: [{ config, result }] }));
    expect(one.sent.closes).toEqual([]);
    expect(one.refusals).toHaveLength(3);
  });

  // Defence: edge-client/protocol/closes.ts, `showUnopened`: the word of a helper that said ready counts only among all.
  it('a twin is not made to report again where the sum was opened behind its back', async () => {
    const task = await house.script.task();
    const proposal = await house.script.proposal(
      house.helpers.map(({ epoch }) => epoch),
      firstRound(task),
      task,
    );
    const config = await cosignWith(house, proposal);
    const reports = await Promise.all(house.reporters.map((by) => house.script.report(config, by)));
    await house.offer(config, reports);
    const set = await house.script.commit(config, reports);
    const [one, two, accomplice, four] = house.helpers;
    // Helpers 1 and 4 say ready, and only 4 is shown a quorum: with the accomplice's sums the round is open.
    for (const helper of [one, accomplice, four]) await helper.work(workOf(config, { set }));
    const readies = [one, accomplice, four].flatMap(({ sent }) => sent.readies);
    for (const helper of [accomplice, four]) await helper.work(workOf(config, { set, readies }));
    const sums = [accomplice, four].flatMap(({ j, sent }) => sent.sums.map((bytes) => ({ j, bytes })));
    expect(openWith(house, config, reports, sums)).not.toBeNull();

    const result = await house.script.abandon(config);
    for (const helper of [one, two, four]) await helper.work(otherWork({ closing: [{ config, result }] }));
    const lie = await signStatement(
      'helper-close',
      { v: 1 as const, rcHash: rcHashOf(config), j: 3, ready: false },
      house.parties.helpers[2]!,
    );
    const closes = [...[one, two, four].flatMap(({ sent }) => sent.closes), lie];
    expect(closes.map(({ body }) => body.j)).toEqual([1, 2, 3]);

    const epochs = await epochsOf(house);
    const next = await house.script.proposal(
      house.helpers.map(({ epoch }) => epoch),
      { ...firstRound(task), round: 2, prevResultHash: bytesToBase64Url(statementHash(result.statement)) },
      task,
    );
    const second = await cosignWith(house, next);
    const record = {
      taskId: config.statement.body.taskId,
      round: 1,
      kind: 'train' as const,
      rcHash: rcHashOf(config),
      modelHash: config.statement.body.modelHash,
      headerHash: '',
      outcome: 'accepted' as const,
      bytes: null,
    };
    const decide = (end: RoundEnd) =>
      twinDecides(
        house,
        task,
        second,
        { epochs, lastResult: result },
        { reports: [record], askResults: async () => [end] },
      );
    expect(await decide({ result, closes })).toMatchObject({ stayHome: 'model-reported' });
  });
});

describe('with noise', () => {
  // Defence: edge-client/region/helper/answer.ts, `revealSums`: noise whose key is of this set; without it the difference is exact.
  it('a second sum on a model is answered, is paid for, and their difference is no report', async () => {
    const task = await house.script.task({ privacy: noisy(2) });
    const first = await house.accepted({}, task);
    expect(await answered(first.config, first.reports)).toBe(4);
    const opened = [openWith(house, first.config, first.reports, sumsSent(first.config))!];
    const second = await house.accepted(ofModel(first.config), task);
    expect(await answered(second.config, second.reports.slice(1))).toBe(4);
    opened.push(openWith(house, second.config, second.reports.slice(1), sumsSent(second.config))!);
    const noise = opened.map((sum, at) => {
      const members = at === 0 ? first.reports : second.reports.slice(1);
      return sum.map((value, i) => value - members.reduce((total, { clear }) => total + clear[i]!, 0));
    });
    const { dp } = first.config.statement.body;
    const sigma = dp.mech === 'none' ? 0 : Math.sqrt(4 * dp.sigmaSquared);
    for (const values of noise) {
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      // Some 400 draws: five standard errors are 18 %.
      expect(deviation / sigma).toBeGreaterThan(0.8);
      expect(deviation / sigma).toBeLessThan(1.2);
    }
    expect(noise[0]!.filter((value, i) => value === noise[1]![i]).length).toBeLessThan(20);
  });

  const sumsSent = (config: Config): { j: number; bytes: Uint8Array }[] =>
    house.helpers.flatMap(({ j, sent }) =>
      sent.sums
        .filter((bytes) => Buffer.from(bytes).includes(rcHashOf(config)))
        .map((bytes) => ({ j, bytes })),
    );
});
