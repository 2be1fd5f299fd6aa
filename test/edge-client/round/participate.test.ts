/** A fleet's part in a round, over HTTP, against a coordinator and helpers that the test plays. */
import { base64UrlToBytes } from '@twinkeep/audit';
import {
  checkRound,
  createReport,
  gatherTwins,
  participate,
  recordEvents,
  type CheckedRound,
  type Contributed,
  type GatheredTwins,
  type Participant,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import {
  addEvaluation,
  createSigningKey,
  initialWeights,
  type LoggedStatement,
  networkOf,
  noiseMultiplierFor,
  readEvaluation,
  rotate,
  rotationSigns,
  type RoundOffer,
  sodiumReady,
  type TaskSpec,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY, makeChain, makeEvent, makeTask, NOW, POLICY, subjectOf } from '../fixtures.ts';
import { createTestCoordinator, openSum, ROUND_OPEN, type TestCoordinator } from './coordinator.ts';
import { createKeeper, type KeeperOptions } from './keeper.ts';
import { serveCoordinator, type TestWorld } from './server.ts';

let coordinator: TestCoordinator;
let task: LoggedStatement<TaskSpec>;
let world: TestWorld;

beforeAll(() => sodiumReady);
beforeEach(async () => {
  coordinator = await createTestCoordinator();
  task = await coordinator.publishTask(makeTask());
  world = await serveCoordinator(coordinator, ROUND_OPEN + 1_000);
});
afterEach(() => world.server.close());

const keeper = (options: Partial<KeeperOptions> = {}): Promise<Participant> =>
  createKeeper(coordinator, { url: world.server.url, task: makeTask(), twins: 12, ...options });

const open = async (change = {}): Promise<RoundOffer> =>
  (world.offer = await coordinator.openRound(task, change));

const join = (participant: Participant, offer: RoundOffer): Promise<Contributed | StayHome> =>
  participate(participant, task, offer);

/** Sum of clear-text updates and evaluation blocks in grid steps, before rounding. */
async function clearText(
  participants: Participant[],
  offer: RoundOffer,
  twins: GatheredTwins[],
): Promise<Float64Array> {
  const config = offer.config!.statement.body;
  const spec = task.statement.body;
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), config.dPadded, webCryptoPrg);
  const total = new Float64Array(config.dPadded + config.evaluationLength);
  for (const [i, { engine }] of participants.entries()) {
    const { trainers, heldOut } = twins[i]!;
    const weights = initialWeights(spec.model);
    const { sum } = await engine.clippedSum(weights, trainers, config.clipL2);
    rotate(sum, signs).forEach(
      (value, at) => (total[at] = total[at]! + (value / config.clipL2) * config.unit),
    );
    const logits = await engine.scores(weights, heldOut);
    addEvaluation(logits, heldOut.labels, config.unit, spec.evaluation).values.forEach(
      (value, at) => (total[config.dPadded + at] = total[config.dPadded + at]! + value),
    );
  }
  return total;
}

describe('a round', () => {
  it('opens to the clear-text sum of all reports, within one step of rounding each', async () => {
    const fleets = [
      await keeper({ nth: 1 }),
      await keeper({ nth: 2, twins: 7 }),
      await keeper({ nth: 3, twins: 30 }),
    ];
    const offer = await open();
    const outcomes: Contributed[] = [];
    for (const fleet of fleets) outcomes.push((await join(fleet, offer)) as Contributed);
    expect(outcomes.map(({ reported }) => reported)).toEqual(['accepted', 'accepted', 'accepted']);

    const { sum, decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    const expected = await clearText(
      fleets,
      offer,
      outcomes.map(({ twins }) => twins),
    );
    const worst = Math.max(...sum.map((value, i) => Math.abs(value - expected[i]!)));
    expect(worst).toBeLessThanOrEqual(fleets.length);
    // Float32 sums aside, the sum is far from empty, so closeness says something.
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e5);

    const members = decoded.flatMap((report) => report.members);
    expect(members.length).toBe(12 + 7 + 30);
    expect(new Set(members).size).toBe(members.length);
    expect(decoded.map(({ header }) => header.twins)).toEqual([12, 7, 30]);
    const { dPadded, unit } = offer.config!.statement.body;
    const figures = readEvaluation(sum.subarray(dPadded), unit, task.statement.body.evaluation, 0);
    expect(figures.twins).toBe(4 + 3 + 10);
  });

  it('with noise holds trainers or held-out twins, never both, and spends their budget', async () => {
    const privacy = {
      mech: 'discrete-gaussian' as const,
      noiseMultiplier: noiseMultiplierFor({ epsilon: 8, delta: 1e-5, participations: 1 }),
      epsilon: 8,
      delta: 1e-5,
      trainings: 1,
      evaluations: 1,
      adaptiveClip: null,
    };
    task = await coordinator.publishTask(makeTask({ privacy }));
    const fleet = await keeper();
    const trained = (await join(fleet, await open())) as Contributed;
    expect(trained).toMatchObject({ reported: 'accepted', twins: { trainers: { n: 8 }, heldOut: { n: 0 } } });
    await coordinator.endRound(world.offer!, {}, []);
    expect(await join(fleet, await open())).toMatchObject({ stayHome: 'budget-spent' });
    await coordinator.endRound(world.offer!, {}, []);
    world.reports.clear();
    const scored = (await join(fleet, await open({ config: { kind: 'evaluate' } }))) as Contributed;
    expect(scored).toMatchObject({ reported: 'accepted', twins: { trainers: { n: 0 }, heldOut: { n: 4 } } });
    const [, ...records] = await fleet.store.readReports(task.statement.body.taskId);
    expect(records.map(({ outcome }) => outcome)).toEqual(['accepted']);
  });

  it('with noise is reported to again on the same model, and both are counted', async () => {
    const privacy = {
      mech: 'discrete-gaussian' as const,
      noiseMultiplier: noiseMultiplierFor({ epsilon: 8, delta: 1e-5, participations: 2 }),
      epsilon: 8,
      delta: 1e-5,
      trainings: 2,
      evaluations: 1,
      adaptiveClip: null,
    };
    task = await coordinator.publishTask(makeTask({ privacy }));
    const fleet = await keeper();
    for (const reported of [1, 2]) {
      expect(await join(fleet, await open())).toMatchObject({ reported: 'accepted' });
      const reports = await fleet.store.readReports(task.statement.body.taskId);
      expect(reports).toHaveLength(reported);
      await coordinator.endRound(world.offer!, {}, []);
      world.reports.clear();
    }
    expect(await join(fleet, await open())).toMatchObject({ stayHome: 'budget-spent', detail: '2 of 2' });
    const reports = await fleet.store.readReports(task.statement.body.taskId);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['accepted', 'counted']);
  });

  it('that only evaluates gets held-out twins and a zero update', async () => {
    for (let round = 0; round < 3; round++) await coordinator.endRound(await coordinator.openRound(task));
    const offer = await open({ config: { kind: 'evaluate' } });
    const outcome = (await join(await keeper(), offer)) as Contributed;
    expect(outcome).toMatchObject({ reported: 'accepted', twins: { trainers: { n: 0 }, heldOut: { n: 4 } } });
    const { sum, decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    expect(sum.subarray(0, offer.config!.statement.body.dPadded).every((value) => value === 0)).toBe(true);
    expect(decoded[0]!.members).toHaveLength(4);
  });

  it('leaves out twins without consent, without a logged consent, withdrawn, or without a label', async () => {
    const fleet = await keeper({
      consents: (twin) => {
        if (twin === 1) return [];
        if (twin === 2) return [{ type: 'grant', index: null }];
        if (twin === 3)
          return [
            { type: 'grant', index: 3 },
            { type: 'withdraw', index: null },
          ];
        return [{ type: 'grant', index: twin }];
      },
      labelled: (twin) => twin !== 4,
    });
    const offer = await open();
    const { twins } = (await join(fleet, offer)) as Contributed;
    expect(Object.fromEntries(twins.denied)).toEqual({ 'never-asked': 2, withdrawn: 1 });
    expect(twins.unlabelled).toBe(1);
    const { decoded } = await openSum(coordinator, offer, [...world.reports.values()]);
    const expected = [0, 5, 6, 7, 8, 9, 10, 11].map(subjectOf);
    expect(decoded[0]!.members.toSorted()).toEqual(expected.toSorted());
  });

  it('keeps each twin in the role that it drew, from round to round', async () => {
    const fleet = await keeper();
    const first = (await join(fleet, await open())) as Contributed;
    fleet.draw = () => 'hold-out';
    await coordinator.endRound(world.offer!);
    world.reports.clear();
    const second = (await join(fleet, await open())) as Contributed;
    expect(second.reported).toBe('accepted');
    expect(second.twins.heldOut.subjects).toEqual(first.twins.heldOut.subjects);
  });

  it('sees what a twin recorded, and what its subject withdrew, since the round before', async () => {
    const fleet = await keeper();
    const rowOf = async (offer: RoundOffer, subject: string): Promise<number[]> => {
      const { trainers, heldOut } = await gatherTwins(fleet, (await checked(fleet, offer)) as CheckedRound);
      const width = networkOf(task.statement.body).inputs;
      const set = trainers.subjects.includes(subject) ? trainers : heldOut;
      const at = set.subjects.indexOf(subject);
      return [...set.features.subarray(at * width, (at + 1) * width)];
    };
    const offer = await open();
    const subject = subjectOf(4);
    const before = await rowOf(offer, subject);
    expect(await rowOf(offer, subject)).toEqual(before);

    const deps = { ...fleet, policy: POLICY, clock: () => NOW };
    const order = makeEvent('order', 'transactional', NOW - 40 * DAY, { amount: 100 });
    expect((await recordEvents(deps, subject, [order])).fresh).toBe(1);
    const after = await rowOf(offer, subject);
    expect(after[3]).toBeGreaterThan(before[3]!);

    const [, withdrawn] = makeChain(subject, [
      { type: 'grant', index: 4 },
      { type: 'withdraw', categories: ['behavioral'], index: null },
    ]);
    await fleet.store.appendConsents(subject, 1, [withdrawn!]);
    expect(after.slice(4)).not.toEqual([0, 0]);
    expect(await rowOf(offer, subject)).toEqual([...after.slice(0, 4), 0, 0]);
  });

  it('takes no leave of an earlier round', async () => {
    const fleet = await keeper();
    const early = await gatherTwins(fleet, (await checked(fleet, await open())) as CheckedRound);
    await coordinator.endRound(world.offer!);
    const late = (await checked(fleet, await open({ now: ROUND_OPEN + 30_000 }))) as CheckedRound;
    const device = { key: fleet.device.key, credential: fleet.device.credential() };
    const report = createReport(late, early, initialWeights(late.task.model), { ...fleet, device });
    await expect(report).rejects.toThrow(/an earlier round/);
  });
});

describe('a keeper stays home', () => {
  it('where the offer does not pass, and nothing was asked of its twins', async () => {
    const outcome = await join(await keeper(), { ...(await open()), phase: 'acking' });
    expect(outcome).toMatchObject({ stayHome: 'no-round' });
    expect(world.reports.size).toBe(0);
  });

  it('with too few twins of its own, unless it is a person’s device', async () => {
    const offer = await open();
    expect(await join(await keeper({ twins: 1 }), offer)).toMatchObject({ stayHome: 'too-few-twins' });
    const few = await keeper({ twins: 5 });
    few.floors.minTwins = 6;
    expect(await join(few, offer)).toMatchObject({ stayHome: 'too-few-twins', detail: '5 of 6' });
    expect(await join(await keeper({ twins: 0, maxTwins: 1 }), offer)).toMatchObject({
      stayHome: 'too-few-twins',
    });
    expect(world.reports.size).toBe(0);
    expect(await join(await keeper({ twins: 1, maxTwins: 1 }), offer)).toMatchObject({
      reported: 'accepted',
    });
  });

  it('with more twins than its credential allows', async () => {
    expect(await join(await keeper({ maxTwins: 11 }), await open())).toMatchObject({
      stayHome: 'too-many-twins',
    });
    expect(world.reports.size).toBe(0);
  });

  it('with a credential of another key, another issuer, or an old one', async () => {
    const offer = await open();
    const other = await createTestCoordinator();
    const old = { now: ROUND_OPEN - 10 * 86_400_000 };
    for (const credentialOf of [
      async () => coordinator.credentialFor(await createSigningKey()),
      async (fleet: Participant) => other.credentialFor(fleet.device.key),
      async (fleet: Participant) => coordinator.credentialFor(fleet.device.key, old),
    ]) {
      const fleet = await keeper({ twins: 2 });
      const credential = await credentialOf(fleet);
      fleet.device.credential = () => credential;
      expect(await join(fleet, offer)).toMatchObject({ stayHome: 'credential-refused' });
    }
  });

  it('where the model is another than the round names, or there is none', async () => {
    const offer = await open();
    const { modelHash } = offer.config!.statement.body;
    const model = coordinator.models.get(modelHash)!;
    const tampered = model.slice();
    tampered[0]! ^= 1;
    for (const served of [tampered, model.slice(4), new Uint8Array([...model, 0]), null]) {
      if (served === null) coordinator.models.delete(modelHash);
      else coordinator.models.set(modelHash, served);
      expect(await join(await keeper({ twins: 2 }), offer)).toMatchObject({ stayHome: 'model-refused' });
    }
  });

  it('when it has reported already, here or in another process', async () => {
    const fleet = await keeper();
    const offer = await open();
    await join(fleet, offer);
    expect(await join(fleet, offer)).toMatchObject({ stayHome: 'already-reported' });
    expect(world.reports.size).toBe(1);
  });

  it('in the second of two processes that share one store', async () => {
    const fleet = await keeper();
    const offer = await open();
    const outcomes = await Promise.all([join(fleet, offer), join({ ...fleet }, offer)]);
    expect(outcomes.filter((outcome) => 'reported' in outcome)).toHaveLength(1);
    expect(outcomes.filter((outcome) => 'stayHome' in outcome)).toMatchObject([
      { stayHome: 'already-reported' },
    ]);
  });
});

async function checked(fleet: Participant, offer: RoundOffer): Promise<CheckedRound | StayHome> {
  return checkRound(offer, {
    task,
    trust: fleet.trust,
    seen: null,
    reports: [],
    nMin: 2,
    askConsistency: (from, to) => coordinator.log.consistencyProof(from, to),
    askResults: async () => [],
    now: ROUND_OPEN + 1_000,
  });
}
