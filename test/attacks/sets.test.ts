/** A coordinator that wants more than one sum of a round, or the sum of too few; one helper may be its accomplice, here number 3. */
import { ascendingHashes } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { workOf } from '../region/support/script.ts';
import { clearSum, createHouse, openWith, rcHashOf, readyOf, type House } from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

const sumsSent = (): { j: number; bytes: Uint8Array }[] =>
  house.helpers.flatMap(({ j, sent }) => sent.sums.map((bytes) => ({ j, bytes })));

describe('two sets in one round', () => {
  it('one set is opened, so that what follows is no empty victory', async () => {
    const { config, reports } = await house.accepted();
    await house.answer(config, await house.script.commit(config, reports));
    expect([...openWith(house, config, reports, sumsSent())!]).toEqual([...clearSum(reports)]);
  });

  // Defence: edge-client/region/helper/answer.ts, `requireOnlySet`.
  it('in one log: the second is refused by whoever has read that far, even as the only one shown', async () => {
    const { config, reports } = await house.accepted();
    await house.script.commit(config, reports);
    const second = await house.script.commit(config, reports.slice(1));
    await house.answer(config, second);
    for (const { sent, refusals } of house.helpers) {
      expect(refusals).toEqual(['helper/set', 'helper/set']);
      expect([...sent.readies, ...sent.sums]).toEqual([]);
    }
  });

  // Defence: edge-client/region/helper/follow-log.ts, `openSet`: a set commit that is not opened is refused with all that follows.
  it('in one log: the first cannot be hidden from the second’s readers', async () => {
    const { config, reports } = await house.accepted();
    await house.script.commit(config, reports);
    const hidden = house.script.entries.at(-1)!;
    const shown = { ...hidden };
    delete hidden.opened;
    const second = await house.script.commit(config, reports.slice(1));
    await house.answer(config, second);
    hidden.opened = house.script.entries.at(-1)!.opened!;
    await house.answer(config, second);
    for (const { sent, refusals } of house.helpers) {
      expect(new Set(refusals)).toEqual(new Set(['helper/log']));
      expect([...sent.readies, ...sent.sums]).toEqual([]);
    }
    hidden.opened = shown.opened!;
  });

  // Defence: edge-client/region/helper/answer.ts, `countReadies`: q readies, and any two quorums share an honest helper.
  it('in two logs without witnesses: only one of them finds a quorum, with one accomplice', async () => {
    // A house of its own: whoever has followed one log follows the other no more.
    const house = await createHouse();
    const { config, reports } = await house.accepted();
    const fork = await house.script.fork();
    const [one, two, , four] = house.helpers;
    const first = await house.script.commit(config, reports);
    await one.work(workOf(config, { set: first }));
    const second = await fork.commit(config, reports.slice(1));
    fork.serve();
    for (const helper of [two, four]) await helper.work(workOf(config, { set: second }));

    const forFirst = [...one.sent.readies, await readyOf(house, first, 3)];
    const forSecond = [...two.sent.readies, ...four.sent.readies, await readyOf(house, second, 3)];
    house.script.serve();
    await one.work(workOf(config, { set: first, readies: [...forFirst, ...forSecond] }));
    expect(one.sent.sums).toEqual([]);
    fork.serve();
    for (const helper of [two, four]) await helper.work(workOf(config, { set: second, readies: forSecond }));
    expect([two, four].map(({ sent }) => sent.sums.length)).toEqual([1, 1]);
    // And whoever answered in one log does not in the other.
    house.script.serve();
    for (const helper of [two, four]) await helper.work(workOf(config, { set: first, readies: forFirst }));
    expect([two, four].map(({ sent }) => sent.sums.length)).toEqual([1, 1]);
    await house.close();
  });
});

describe('the sum of too few', () => {
  // Defence: edge-client/region/helper/answer.ts, `requireMembers`.
  it.each([
    ['one report', 1, {}],
    ['one report that claims to be two', 1, { count: 2 }],
    ['a root that says more than the list', 2, { count: 3 }],
  ])('%s gets no ready and no sum', async (_what, members, overrides) => {
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports.slice(0, members), overrides);
    await house.answer(config, set);
    for (const { sent, refusals } of house.helpers) {
      expect(new Set(refusals)).toEqual(new Set(['helper/set']));
      expect([...sent.readies, ...sent.sums]).toEqual([]);
    }
  });

  // Defence: edge-client/region/helper/store.ts, `addVerdict`: one accepted report per participant and round.
  it('one person’s reports from several devices are one report', async () => {
    const sub = 'BBBBBBBBBBBBBBBBBBBBBA';
    const devices = await Promise.all([1, 2, 3].map(() => house.script.reporter({ sub })));
    const config = await house.config();
    const reports = await Promise.all(devices.map((by) => house.script.report(config, by)));
    await house.offer(config, reports);
    for (const { sent } of house.helpers) expect(sent.acks[0]!.body.accepted).toHaveLength(1);
    await house.answer(config, await house.script.commit(config, reports));
    for (const { sent, refusals } of house.helpers) {
      expect(new Set(refusals)).toEqual(new Set(['helper/set']));
      expect(sent.readies).toEqual([]);
    }
  });

  // Defence: edge-client/region/helper/judge.ts, `requireReporter`: a credential of the pinned issuer for the key that signed.
  it('participants that the coordinator invented are refused, so they fill no cohort', async () => {
    const config = await house.config();
    const real = await house.script.report(config, house.reporters[0]);
    const { credential } = house.reporters[0];
    const { key } = await house.script.reporter();
    const invented = await house.script.report(config, { key, credential });
    await house.offer(config, [real, invented]);
    for (const { sent } of house.helpers)
      expect(sent.acks[0]!.body).toMatchObject({
        accepted: [real.headerHash],
        refused: [{ header: invented.headerHash, code: 'report/key' }],
      });
    const members = ascendingHashes([real.headerHash, invented.headerHash]);
    const { commit } = await house.script.commit(config, [real, invented]);
    await house.answer(config, { commit, members });
    for (const { sent } of house.helpers) expect(sent.readies).toEqual([]);
    expect(rcHashOf(config)).toBe(commit.statement.body.rcHash);
  });
});
