/** A coordinator that shows one round as several, with keys or terms of its own liking. */
import { bytesToBase64Url } from '@twinkeep/audit';
import { createBoxKeyPair, randomBytes, signStatement, type RoundConfig } from '@twinkeep/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHelper } from '../region/support/helpers.ts';
import { otherWork, workOf } from '../region/support/script.ts';
import {
  cosignWith,
  createHouse,
  epochsOf,
  firstRound,
  noisy,
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

const propose = (overrides: Partial<RoundConfig>, task?: Awaited<ReturnType<House['script']['task']>>) =>
  house.script.proposal(
    house.helpers.map(({ epoch }) => epoch),
    overrides,
    task,
  );

describe('one round with two models', () => {
  // Defence: edge-client/region/helper/store.ts, `admitRound`, on a unique (task, round): taken on, for ever, before it is signed.
  it('gets no helper’s signature for the second, whenever the helper is killed', async () => {
    const [helper] = house.helpers;
    const task = await house.script.task();
    const one = await propose(firstRound(task), task);
    const two = await propose({ ...firstRound(task), modelHash: bytesToBase64Url(randomBytes(32)) }, task);
    helper.crash = { at: 'cosignature', when: 'before' };
    await helper.work(otherWork({ proposals: [one] }));
    expect(helper.refusals).toEqual(['Crash']);
    await helper.restart();
    await helper.work(otherWork({ proposals: [two] }));
    expect(helper.sent.cosignatures).toEqual([]);
    expect(helper.refusals).toEqual(['Crash', 'helper/closed']);
    await helper.work(otherWork({ proposals: [two, one, one] }));
    expect(helper.sent.cosignatures.map(({ body }) => body.modelHash)).toEqual([
      one.config.body.modelHash,
      one.config.body.modelHash,
    ]);
  });

  // Defence: edge-client/round/terms.ts, `requireCosigned`.
  it('gets a report from no twin, since neither half of the helpers is a quorum', async () => {
    const task = await house.script.task();
    const [one, two, three, four] = house.helpers;
    const epochs = await epochsOf(house);
    const whole = await cosignWith(house, await propose(firstRound(task), task));
    expect(await twinDecides(house, task, whole, { epochs })).toHaveProperty('rcHash');

    const other = await house.script.task();
    const right = await propose(firstRound(other), other);
    const forked = {
      config: await signStatement(
        'round-config',
        { ...right.config.body, rotation: { type: 'hd' as const, seed: bytesToBase64Url(randomBytes(32)) } },
        house.parties.coordinator,
      ),
      task: other,
    };
    for (const config of [
      await cosignWith(house, right, [one, two]),
      await cosignWith(house, forked, [three, four]),
    ])
      expect(await twinDecides(house, other, config, { epochs })).toMatchObject({
        stayHome: 'not-cosigned',
        detail: '2 of 3',
      });
  });

  // Defence: the same; a round that was not proposed to this helper goes through the same door (helper/duties.ts, `firstLook`).
  it('nor is the second worked for, where the helper had signed the first', async () => {
    const [helper] = house.helpers;
    const task = await house.script.task();
    await helper.work(otherWork({ proposals: [await propose(firstRound(task), task)] }));
    const forked = await house.config({ ...firstRound(task), modelHash: 'A'.repeat(43) }, task);
    const report = await house.script.report(forked, house.reporters[0]);
    await helper.work(workOf(forked, { reports: [report.offered(1)] }));
    expect(helper.sent.acks).toEqual([]);
    expect(helper.refusals).toEqual(['helper/closed']);
  });
});

describe('keys that are the coordinator’s own', () => {
  // Defence: edge-client/region/helper/check.ts, `roundTerms`: the box key is one that this helper made.
  it('as the box key of a helper: that helper does not sign', async () => {
    const [helper] = house.helpers;
    const boxKey = bytesToBase64Url(createBoxKeyPair().publicKey);
    const good = await propose({});
    const helpers = good.config.body.helpers.map((each) => (each.j === 1 ? { ...each, boxKey } : each));
    await helper.work(otherWork({ proposals: [await propose({ helpers })] }));
    expect(helper.sent.cosignatures).toEqual([]);
    expect(helper.refusals).toEqual(['helper/config']);
  });

  // Defence: edge-client/round/terms.ts, `requireHelpers`: an epoch counts as its helper signed it.
  it('as the box key of a helper: twins send nothing, though the other three signed', async () => {
    const task = await house.script.task();
    const boxKey = bytesToBase64Url(createBoxKeyPair().publicKey);
    const good = await propose(firstRound(task), task);
    const helpers = good.config.body.helpers.map((each) => (each.j === 1 ? { ...each, boxKey } : each));
    const epochs = await epochsOf(house);
    const forgedEpoch = await signStatement(
      'helper-epoch',
      { ...house.helpers[0].epoch, boxKey },
      house.parties.coordinator,
    );
    const config = await cosignWith(
      house,
      await propose({ ...firstRound(task), helpers }, task),
      house.helpers.slice(1),
    );
    expect(config.statement.signatures).toHaveLength(4);
    for (const first of [epochs[0]!, forgedEpoch])
      expect(await twinDecides(house, task, config, { epochs: [first, ...epochs.slice(1)] })).toMatchObject({
        stayHome: 'helpers-refused',
      });
  });

  // Defence: edge-client/region/helper/check.ts, `requireHelpers`.
  it('as a helper of its own: the others do not sign', async () => {
    const [, helper] = house.helpers;
    const good = await propose({});
    const helpers = good.config.body.helpers.map((each) =>
      each.j === 1 ? { ...each, key: house.parties.coordinator.id } : each,
    );
    await helper.work(otherWork({ proposals: [await propose({ helpers })] }));
    expect(helper.refusals).toEqual(['helper/config']);
    expect(helper.sent.cosignatures).toEqual([]);
  });
});

describe('terms below those of the task', () => {
  const task = () => house.script.task({ privacy: noisy(3) });
  const weaker: [what: string, weaken: (config: RoundConfig) => Partial<RoundConfig>][] = [
    ['no noise', () => ({ dp: { mech: 'none' } })],
    ['less noise', ({ dp }) => ({ dp: { ...dp, sigmaSquared: 1 } as RoundConfig['dp'] })],
    ['more participations', ({ dp }) => ({ dp: { ...dp, trainings: 300 } as RoundConfig['dp'] })],
    ['another grid, so that the noise is finer', ({ unit }) => ({ unit: unit * 2 })],
    ['a smaller modulus', () => ({ b: 20 })],
    ['a smaller cohort', () => ({ nMin: 2, minTwins: 1 })],
    ['a smaller quorum', () => ({ q: 2 })],
    ['no collusion to fear', () => ({ c: 0 })],
    ['log mode', () => ({ mode: 'log' })],
    ['an issuer of its own', () => ({ issuerKeys: [house.parties.coordinator.id] })],
    ['a larger bound', () => ({ clipL2: 1_000 })],
    ['categories that nobody was asked for', () => ({ categories: { required: [], optional: [] } })],
  ];

  // Defence: edge-client/region/helper/check.ts, `requireTask`.
  it.each(weaker)('%s: no helper signs', async (_what, weaken) => {
    const [helper] = house.helpers;
    const published = await task();
    const good = await propose({}, published);
    await helper.work(otherWork({ proposals: [await propose(weaken(good.config.body), published)] }));
    expect(helper.refusals).toEqual(['helper/config']);
    expect(helper.sent.cosignatures).toEqual([]);
    await helper.work(otherWork({ proposals: [good] }));
    expect(helper.sent.cosignatures).toHaveLength(1);
  });

  // Defence: edge-client/round/terms.ts, `requireTerms`.
  it.each(weaker)('%s: no twin reports', async (_what, weaken) => {
    const published = await task();
    const epochs = await epochsOf(house);
    const good = await propose(firstRound(published), published);
    const config = await cosignAll({ ...good.config.body, ...weaken(good.config.body) });
    expect(await twinDecides(house, published, config, { epochs })).toMatchObject({
      stayHome: 'config-mismatch',
    });
    expect(await twinDecides(house, published, await cosignAll(good.config.body), { epochs })).toHaveProperty(
      'rcHash',
    );
  });

  /** The attacker holds the coordinator's key and, here, all helpers': the twin is on its own. */
  async function cosignAll(body: RoundConfig): Promise<Config> {
    const { coordinator, helpers } = house.parties;
    const signed = await Promise.all(
      [coordinator, ...helpers].map((key) => signStatement('round-config', body, key)),
    );
    return house.script.append({ ...signed[0]!, signatures: signed.flatMap((each) => each.signatures) });
  }

  // Defence: edge-client/region/helper/check.ts, `requirePolicy`.
  it('or below what this helper asks for, whatever the task says', async () => {
    const dp = noisy(3);
    if (dp.mech === 'none') throw new Error('this task has noise');
    const asks = { minNoiseMultiplier: dp.noiseMultiplier, maxEpsilon: 8, maxDelta: 1e-5 };
    const policies = [
      [asks, true],
      [{ ...asks, minNoiseMultiplier: dp.noiseMultiplier * 1.01 }, false],
      [{ ...asks, maxEpsilon: 7.9 }, false],
      [{ ...asks, maxDelta: 9e-6 }, false],
    ] as const;
    const noisyTask = await task();
    const plainTask = await house.script.task();
    for (const [privacy, signs] of policies) {
      const careful = await createHelper(house.parties, 1, { privacy });
      const epochs = [careful, ...house.helpers.slice(1)].map(({ epoch }) => epoch);
      const proposals = [
        await house.script.proposal(epochs, {}, noisyTask),
        await house.script.proposal(epochs, {}, plainTask),
      ];
      await careful.work(otherWork({ proposals }));
      expect(careful.sent.cosignatures.map(({ body }) => body.taskId)).toEqual(
        signs ? [noisyTask.statement.body.taskId] : [],
      );
      await careful.close();
    }
  });
});
