/** A coordinator that would have one participant in more sums than its privacy budget allows; each sum with noise that was planned for so many. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectSql } from '../region/support/sql.ts';
import { workOf, type MadeReport, type Reporter } from '../region/support/script.ts';
import { createHouse, noisy, readyOf, type Config, type House } from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

type Task = Awaited<ReturnType<House['script']['task']>>;

const reportsOf = (config: Config, by: readonly Reporter[]): Promise<MadeReport[]> =>
  Promise.all(by.map((each) => house.script.report(config, each)));

/** Codes by which helper 1 refuses reports, in the order of the reports; null: accepted. */
const verdicts = async (config: Config, reports: readonly MadeReport[]): Promise<(string | null)[]> => {
  await house.offer(config, reports);
  const { refused } = house.helpers[0].sent.acks.at(-1)!.body;
  return reports.map(({ headerHash }) => refused.find(({ header }) => header === headerHash)?.code ?? null);
};

const openRound = async (task: Task, overrides = {}): Promise<Config> => {
  const config = await house.config(overrides, task);
  const reports = await reportsOf(config, house.reporters);
  expect(await verdicts(config, reports)).toEqual([null, null, null]);
  await house.answer(config, await house.script.commit(config, reports));
  return config;
};

describe('the budget of a participant', () => {
  // Defence: edge-client/region/helper/ledger.ts, `hasSpentAll`.
  it('once spent, has every helper refuse its reports, on whatever device they were made', async () => {
    const task = await house.script.task({ privacy: noisy(2) });
    const subs = ['CCCCCCCCCCCCCCCCCCCCCA', 'CCCCCCCCCCCCCCCCCCCCCQ', 'CCCCCCCCCCCCCCCCCCCCCg'];
    const devices = (): Promise<Reporter[]> => Promise.all(subs.map((sub) => house.script.reporter({ sub })));
    for (let round = 0; round < 2; round++) {
      const config = await house.config({}, task);
      const reports = await reportsOf(config, await devices());
      expect(await verdicts(config, reports)).toEqual([null, null, null]);
      await house.answer(config, await house.script.commit(config, reports));
    }
    expect(house.helpers.map(({ sent }) => sent.sums.length)).toEqual([2, 2, 2, 2]);
    const third = await house.config({}, task);
    const fresh = await house.script.reporter();
    const reports = await reportsOf(third, [...(await devices()), fresh]);
    const spent = 'report/budget-spent';
    expect(await verdicts(third, reports)).toEqual([spent, spent, spent, null]);
    // Another task has a budget of its own, and so has the other kind of round.
    const elsewhere = await house.config({}, await house.script.task({ privacy: noisy(2) }));
    expect(await verdicts(elsewhere, await reportsOf(elsewhere, await devices()))).toEqual([
      null,
      null,
      null,
    ]);
    const evaluating = await house.config({ kind: 'evaluate' }, task);
    expect(await verdicts(evaluating, await reportsOf(evaluating, await devices()))).toEqual([
      null,
      null,
      null,
    ]);
  });

  // Defence: edge-client/region/helper/ledger.ts, `someoneHasSpentAll` in `answerSet`.
  it('is looked at again when a set is answered, since rounds may overlap', async () => {
    const task = await house.script.task({ privacy: noisy(1) });
    const configs = [await house.config({}, task), await house.config({}, task)] as const;
    const made = await Promise.all(configs.map((config) => reportsOf(config, house.reporters)));
    const [helper] = house.helpers;
    const show = (stages: Parameters<typeof workOf>[1][]): Promise<boolean> =>
      helper.work({
        ...workOf(configs[0], {}),
        rounds: configs.flatMap((config, at) => workOf(config, stages[at]!).rounds),
      });
    await show(made.map((reports) => ({ reports: reports.map((report) => report.offered(1)) })));
    expect(helper.sent.acks.map(({ body }) => body.accepted.length)).toEqual([3, 3]);
    const sets = [
      await house.script.commit(configs[0], made[0]!),
      await house.script.commit(configs[1], made[1]!),
    ] as const;
    const readies = await Promise.all(sets.flatMap((set) => [1, 2, 3].map((j) => readyOf(house, set, j))));
    await show(sets.map((set) => ({ set, readies })));
    expect(helper.sent.sums).toHaveLength(1);
    expect(helper.refusals).toEqual(['helper/set']);
  });

  // Defence: edge-client/region/helper/ledger.ts, `findRefusal`: one decision at a time.
  it('is not overdrawn by two processes that answer at once', async () => {
    const task = await house.script.task({ privacy: noisy(1) });
    const configs = await Promise.all([0, 1].map(() => house.config({}, task)));
    const [helper] = house.helpers;
    const made = await Promise.all(configs.map((config) => reportsOf(config, house.reporters)));
    const rounds = configs.flatMap(
      (config, at) => workOf(config, { reports: made[at]!.map((report) => report.offered(1)) }).rounds,
    );
    await helper.work({ ...workOf(configs[0]!, {}), rounds });
    const sets = await Promise.all(configs.map((config, at) => house.script.commit(config, made[at]!)));

    // Whoever has decided waits here to write, until both have had the time to decide.
    const [held, watched] = [connectSql(helper.databaseUrl), connectSql(helper.databaseUrl)];
    await held.query('BEGIN');
    await held.query('LOCK TABLE participation IN SHARE MODE');
    const answers = sets.map(({ commit, members }) =>
      helper.store.answerSet(commit.statement.body.rcHash, 'A'.repeat(43), members),
    );
    const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await vi.waitFor(async () => expect(await watched.query(waiting)).toEqual([{ n: 2 }]), 30_000);
    await held.query('COMMIT');
    const given = await Promise.all(answers);
    expect(given).toHaveLength(2);
    expect(new Set(given)).toEqual(new Set(['budget-spent', null]));
    await Promise.all([held.end(), watched.end()]);
  });

  // Defence: edge-client/region/helper/ledger.ts, `answerSet`: what was answered before is the same answer, at no price.
  it('is spent once for a round, however often the coordinator asks', async () => {
    const task = await house.script.task({ privacy: noisy(2) });
    const config = await house.config({}, task);
    const reports = await reportsOf(config, house.reporters);
    await house.offer(config, reports);
    const set = await house.script.commit(config, reports);
    for (let times = 0; times < 3; times++) {
      await house.answer(config, set);
      for (const helper of house.helpers) await helper.restart();
    }
    for (const { sent, refusals } of house.helpers) {
      expect(sent.sums.length).toBeGreaterThan(2);
      expect(refusals).toEqual([]);
    }
    await openRound(task);
    const third = await house.config({}, task);
    expect(await verdicts(third, await reportsOf(third, house.reporters))).toEqual(
      Array(3).fill('report/budget-spent'),
    );
  });

  it('is not spent by a round that no set was answered of', async () => {
    const task = await house.script.task({ privacy: noisy(1) });
    const config = await house.config({}, task);
    await house.offer(config, await reportsOf(config, house.reporters));
    await house.script.abandon(config);
    await openRound(task);
  });
});
