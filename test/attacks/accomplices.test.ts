/** A helper that works for the coordinator, here number 3, and one that is away, here number 4. With c = 1 either may be, and nothing is lost. */
import { base64UrlToBytes } from '@twinkeep/audit';
import {
  addMask,
  addNoise,
  ascendingHashes,
  helperFamily,
  noiseKey,
  randomBytes,
  reportWords,
  signStatement,
  statementHash,
  subtractWords,
  unpackWords,
  type HelperSet,
} from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { byteUniformityP } from '../support/uniformity.ts';
import { workOf, type MadeReport } from '../region/support/script.ts';
import {
  clearSum,
  createHouse,
  noisy,
  openWith,
  rcHashOf,
  readyOf,
  type Config,
  type House,
  type SetShown,
} from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await createHouse();
});
afterAll(() => house.close());
beforeEach(() => house.reset());

/** Seeds that a helper has of these reports, by set: what an accomplice tells the coordinator. */
async function seedsOf(
  j: number,
  config: Config,
  reports: readonly MadeReport[],
): Promise<Map<number, Uint8Array>[]> {
  const hashes = ascendingHashes(reports.map(({ headerHash }) => headerHash));
  const seeds = await house.helpers[j - 1]!.store.seeds(rcHashOf(config), hashes);
  return hashes.map((hash) => seeds.get(hash)!);
}

const sumsOf = (...numbers: number[]): { j: number; bytes: Uint8Array }[] =>
  house.helpers
    .filter(({ j }) => numbers.includes(j))
    .flatMap(({ j, sent }) => sent.sums.map((bytes) => ({ j, bytes })));

const deviationOf = (values: Int32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('an accomplice', () => {
  // Defence: edge-client/protocol/family.ts, `setsOfHelper`: who is in a set has not its seed.
  it('has every seed but one, so each report stays masked before the coordinator', async () => {
    const { config, reports } = await house.accepted();
    const [report] = reports as [MadeReport];
    const [seeds] = await seedsOf(3, config, [report]);
    expect([...seeds!.keys()]).toEqual([0, 1, 3]);
    const words = reportWords(config.statement.body);
    const view = unpackWords(report.decoded.vectorBytes, words, 32);
    for (const [index, seed] of seeds!) {
      const mask = new Uint32Array(words);
      await addMask(
        mask,
        seed,
        base64UrlToBytes(rcHashOf(config)),
        helperFamily(4, 1)[index] as HelperSet,
        nodePrg,
      );
      subtractWords(view, mask);
    }
    expect(byteUniformityP(new Uint8Array(view.buffer))).toBeGreaterThan(1e-9);
    // What is hidden is far from uniform: most of it is zero.
    expect(byteUniformityP(new Uint8Array(report.clear.buffer))).toBeLessThan(1e-9);
  });

  // Defence: edge-client/region/helper/answer.ts, `countReadies`: one voice each, under one's own key.
  it('makes no quorum of one honest helper, in whose names ever it speaks', async () => {
    const { config, reports } = await house.accepted();
    const set = await house.script.commit(config, reports);
    const [one] = house.helpers;
    await one.work(workOf(config, { set }));
    const lie = await readyOf(house, set, 3);
    // In the names of others: its own statement altered, under their keys, and said anew under its own.
    const altered = [2, 4].map((j) => ({ ...lie, body: { ...lie.body, j } }));
    const stolen = altered.map((statement) => ({
      ...statement,
      signatures: [{ ...lie.signatures[0]!, kid: house.parties.helpers[statement.body.j - 1]!.id }],
    }));
    const own = await Promise.all(
      altered.map(({ body }) => signStatement('helper-ready', body, house.parties.helpers[2]!)),
    );
    const inNames = [...altered, ...own];
    await one.work(workOf(config, { set, readies: [...one.sent.readies, lie, lie, ...inNames, ...stolen] }));
    expect(one.sent.sums).toEqual([]);
  });

  // Defence: edge-client/protocol/noise-key.ts, `noiseKey`, and the noise of every set in helper/answer.ts, `revealSums`.
  it('can take off all noise but that of the set which it is not a holder of', async () => {
    const task = await house.script.task({ privacy: noisy(2) });
    const { config, reports } = await house.accepted({}, task);
    const set = await house.script.commit(config, reports);
    await house.answer(config, set);
    const opened = openWith(house, config, reports, sumsOf(1, 2, 3, 4))!;
    const clear = clearSum(reports);
    const noise = opened.map((value, i) => value - clear[i]!);
    const { dp } = config.statement.body;
    if (dp.mech === 'none') throw new Error('this task has noise');
    const sigma = Math.sqrt(dp.sigmaSquared);
    expect(deviationOf(noise) / (2 * sigma)).toBeGreaterThan(0.8);

    const known = await noiseKnownTo(3, config, reports, set, dp.sigmaSquared);
    const rest = noise.map((value, i) => value + known[i]!);
    // Some 440 draws: five standard errors are 17 %.
    expect(deviationOf(rest) / sigma).toBeGreaterThan(0.8);
    expect(deviationOf(rest) / sigma).toBeLessThan(1.2);
    // The seeds of the last set, which helper 1 holds, would take off the rest; with one of three unknown they are worth nothing.
    const last = await noiseKnownTo(1, config, reports, set, dp.sigmaSquared, [2]);
    expect(deviationOf(rest.map((value, i) => value + last[i]!))).toBe(0);
    const guess = (seed: Uint8Array, member: number): Uint8Array => (member === 0 ? randomBytes(32) : seed);
    const guessed = await noiseKnownTo(1, config, reports, set, dp.sigmaSquared, [2], guess);
    expect(deviationOf(rest.map((value, i) => value + guessed[i]!)) / sigma).toBeGreaterThan(0.8);
  });

  /** Sum of the noises whose keys helper j can make; helpers add them to the masks, so they come off the opened sum with their sign. */
  async function noiseKnownTo(
    j: number,
    config: Config,
    reports: readonly MadeReport[],
    set: SetShown,
    sigmaSquared: number,
    only?: readonly number[],
    as: (seed: Uint8Array, member: number) => Uint8Array = (seed) => seed,
  ): Promise<Int32Array> {
    const seeds = await seedsOf(j, config, reports);
    const scHash = statementHash(set.commit.statement);
    const words = new Uint32Array(reportWords(config.statement.body));
    for (const [index, members] of helperFamily(4, 1).entries()) {
      const own = seeds.flatMap((bySet) => bySet.get(index) ?? []);
      if (own.length < seeds.length || only?.includes(index) === false) continue;
      await addNoise(words, noiseKey(own.map(as), scHash, members), sigmaSquared, nodePrg);
    }
    return new Int32Array(words.buffer);
  }
});

describe('a helper that is away', () => {
  // Defence: edge-client/region/helper/answer.ts, `countReadies`: q, not all; and every holder adds the noise of each of its sets.
  it('costs neither the sum nor any noise', async () => {
    const task = await house.script.task({ privacy: noisy(2) });
    const [one, two, three, four] = house.helpers;
    const config = await house.config({}, task);
    const reports = await Promise.all(house.reporters.map((by) => house.script.report(config, by)));
    await house.offer(config, reports, [one, two, three]);
    const set = await house.script.commit(config, reports, { responding: [1, 2, 3] });
    await house.answer(config, set, [one, two, three]);
    const opened = openWith(house, config, reports, sumsOf(1, 2, 3))!;
    const clear = clearSum(reports);
    const { dp } = config.statement.body;
    const sigma = dp.mech === 'none' ? 0 : 2 * Math.sqrt(dp.sigmaSquared);
    const noise = deviationOf(opened.map((value, i) => value - clear[i]!));
    expect(noise / sigma).toBeGreaterThan(0.8);
    expect(noise / sigma).toBeLessThan(1.2);
    // When it comes back it has nothing to say: it accepted no member.
    await four.work(workOf(config, { set, readies: [one, two, three].flatMap(({ sent }) => sent.readies) }));
    expect(four.refusals).toEqual(['helper/set']);
    expect([...four.sent.readies, ...four.sent.sums]).toEqual([]);
  });

  it('and a second one ends the round: two helpers alone answer nothing', async () => {
    const { config, reports } = await house.accepted();
    const [one, two] = house.helpers;
    await house.answer(config, await house.script.commit(config, reports), [one, two]);
    expect([one, two].map(({ sent }) => sent.readies.length)).toEqual([1, 1]);
    expect(sumsOf(1, 2, 3, 4)).toEqual([]);
  });
});
