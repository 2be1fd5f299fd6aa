/**
 * A helper that is killed around everything it writes and everything it says, while the coordinator tries to make the next life forget: it
 * shows another set, another configuration, an abandoned round.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { randomBytes } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectSql } from '../region/support/sql.ts';
import type { CrashPoint } from '../region/support/helpers.ts';
import { otherWork, workOf } from '../region/support/script.ts';
import { createHouse, noisy, rcHashOf, readyOf, type House } from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

const POINTS: CrashPoint[] = [
  'admitRound',
  'cosignature',
  'addVerdicts',
  'ack',
  'advanceLog',
  'bindSet',
  'ready',
  'answerSet',
  'sums',
];

const spentIn = async (rcHash: string): Promise<number> => {
  const sql = connectSql(house.helpers[0].databaseUrl);
  const query = 'SELECT count(*)::int AS spent FROM participation WHERE rc_hash = $1';
  const [row] = await sql.query<{ spent: number }>(query, [rcHash]);
  await sql.end();
  return row!.spent;
};

// Defence: edge-client/region/helper/ledger.ts, `answerSet`: flag, budget and set are one durable transaction, before the first byte of an answer.
describe.each(POINTS)('killed at %s', (at) => {
  it.each(['before', 'after'] as const)('%s: one set, one price, one answer', async (when) => {
    const { helpers, script, reporters } = house;
    const [helper] = helpers;
    const task = await script.task({ privacy: noisy(2) });
    const epochs = helpers.map(({ epoch }) => epoch);
    const proposal = await script.proposal(epochs, { round: 1 }, task);
    helper.crash = { at, when };
    /** Once more after a crash, as the long poll would ask. */
    const insist = async (work: Parameters<typeof helper.work>[0]): Promise<void> => {
      await helper.work(work);
      if (helper.refusals.at(-1) !== 'Crash') return;
      await helper.restart();
      helper.refusals.pop();
      await helper.work(work);
    };

    await insist(otherWork({ proposals: [proposal] }));
    expect(helper.sent.cosignatures.length).toBeGreaterThan(0);
    const config = await script.append(proposal.config);
    const reports = await Promise.all(reporters.map((by) => script.report(config, by)));
    await insist(workOf(config, { reports: reports.map((report) => report.offered(1)) }));
    expect(helper.sent.acks.at(-1)!.body.accepted).toHaveLength(3);

    const set = await script.commit(config, reports);
    const readies = await Promise.all([1, 2, 3].map((j) => readyOf(house, set, j)));
    await insist(workOf(config, { set }));
    await insist(workOf(config, { set, readies }));
    expect(helper.sent.sums.length).toBeGreaterThan(0);
    expect(await spentIn(rcHashOf(config))).toBe(3);

    // What the attacker hoped for.
    const second = await script.commit(config, reports.slice(1));
    const forged = await Promise.all([1, 2, 3, 4].map((j) => readyOf(house, second, j)));
    await helper.restart();
    await helper.work(workOf(config, { set: second, readies: forged }));
    const other = await script.proposal(
      epochs,
      { round: 1, modelHash: bytesToBase64Url(randomBytes(32)) },
      task,
    );
    await helper.work(otherWork({ proposals: [other] }));
    await helper.work(otherWork({ closing: [{ config, result: await script.abandon(config) }] }));
    expect(helper.refusals).toEqual(['helper/set', 'helper/closed', 'helper/answered']);

    const said = [...helper.sent.readies.map(({ body }) => body.scHash)];
    expect(new Set(said).size).toBeLessThanOrEqual(1);
    expect(new Set(helper.sent.sums.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(1);
    expect(new Set(helper.sent.cosignatures.map(({ body }) => body.modelHash)).size).toBe(1);
    expect(helper.sent.closes).toEqual([]);
    expect(await spentIn(rcHashOf(config))).toBe(3);
  });
});

// Defence: edge-client/region/helper/ledger.ts, `closeRound`: closed for good before the statement is made.
describe.each(['closeRound', 'close'] as const)('killed at %s', (at) => {
  it.each(['before', 'after'] as const)('%s: closed or not, never both', async (when) => {
    const [helper] = house.helpers;
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports);
    await helper.work(workOf(config, { set }));
    const closing = [{ config, result: await house.script.abandon(config) }];
    helper.crash = { at, when };
    // The coordinator names the round among those at work, so that nothing else closes it.
    await helper.work({ ...workOf(config, {}), closing });
    expect(helper.refusals).toEqual(['Crash']);
    await helper.restart();
    const readies = await Promise.all([1, 2, 3].map((j) => readyOf(house, set, j)));
    await helper.work(workOf(config, { set, readies }));
    const unclosed = at === 'closeRound' && when === 'before';
    expect(helper.sent.sums).toHaveLength(unclosed ? 1 : 0);
    await helper.work({ ...workOf(config, {}), closing });
    expect(helper.sent.closes.length > 0).toBe(!unclosed);
    for (const { body } of helper.sent.closes) expect(body.ready).toBe(true);
  });
});
