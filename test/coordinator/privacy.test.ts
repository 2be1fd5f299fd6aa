/** Rounds under differential privacy: sums open with the helpers' noise in them, participations are counted, and the budget ends the task. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { progressPath, taskProgressSchema, type TaskProgress } from '@twinkeep/coordinator';
import {
  bytesToWeights,
  epsilonFor,
  initialWeights,
  noiseAllowance,
  PATHS,
  signStatement,
  type PrivacySpec,
  type RoundResult,
  type TaskSpec,
} from '@twinkeep/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { chooseNext } from '../../coordinator/rounds/next.ts';
import type { TestHelper } from './support/helper.ts';
import type { TestNode } from './support/node.ts';
import { smallTask } from './support/task.ts';
import { createRoundWorld, mustSucceed, reportOf, type OpenRound, type World } from './support/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

type Noisy = Exclude<PrivacySpec, { mech: 'none' }>;

function privacyOf(changes: Partial<Noisy> = {}): Noisy {
  const { noiseMultiplier = 2, trainings = 2, delta = 1e-5 } = changes;
  return {
    mech: 'discrete-gaussian',
    noiseMultiplier,
    delta,
    epsilon: epsilonFor({ noiseMultiplier, participations: trainings, delta }),
    trainings,
    evaluations: 1,
    adaptiveClip: null,
    ...changes,
  };
}

function noisyTask(privacy: Noisy, changes: Partial<TaskSpec> = {}): TaskSpec {
  return smallTask({
    rounds: 5,
    privacy,
    optimizer: { kind: 'momentum', learningRate: 1, momentum: 0, decay: 0 },
    ...changes,
  });
}

async function runRound(
  at: World,
  nodes: readonly TestNode[],
  number: number,
  options: { within?: number; logits?: (twin: number) => number } = {},
): Promise<{ round: OpenRound; result: RoundResult }> {
  const round = await at.openRound('churn', number);
  for (const node of nodes) {
    const reported = await reportOf(node, round.config, round.rcHash, {
      gradient: [0.3, -0.2, 0.1],
      ...options,
    });
    mustSucceed(await at.upload(node, round, reported));
  }
  await at.helpersJudge();
  await at.helpersReveal();
  const result = (await at.offer('churn')).lastResult?.statement.body;
  if (result?.round !== number) throw new Error(`round ${number} has not ended`);
  return { round, result };
}

async function progress(at: World): Promise<TaskProgress> {
  const answer = await at.client.send({ method: 'GET', path: progressPath('churn') });
  return v.parse(taskProgressSchema, answer.body);
}

describe('a task with noise', () => {
  it('opens sums with the noise of every helper set in them, which may be larger than all reports together', async () => {
    // 9 twins reach 9 qTwin in a coordinate; the noise of four sets is some three times as large.
    const privacy = privacyOf({ noiseMultiplier: 20 });
    const task = noisyTask(privacy);
    const made = await createRoundWorld(task, [2, 3, 4]);
    world = made.world;
    const { round, result } = await runRound(world, made.nodes, 1);
    expect(result).toMatchObject({ status: 'sealed', kind: 'train', count: 3, twins: 9, evaluation: null });
    const { config } = round;
    if (config.dp.mech === 'none') throw new Error('the configuration has no noise');
    expect(config.dp.sigmaSquared).toBeGreaterThan((20 * config.unit) ** 2);
    const model = await world.client.send({ method: 'GET', path: PATHS.model(result.modelOut) });
    const after = bytesToWeights(model.body as Uint8Array, task.model);
    const before = initialWeights(task.model);
    // Without noise a step of the mean gradient: 3 nodes of (0.3, -0.2, 0.1) over 9 twins, one grid step of rounding apart.
    const stepOf = config.clipL2 / config.unit / 9;
    const noise = [0.3, -0.2, 0.1].map((g, i) => (before[i]! - g / 3 - after[i]!) / stepOf);
    expect(Math.max(...noise.map(Math.abs))).toBeGreaterThan(9);
    // The rotation mixes four coordinates into each.
    const largest = 2 * noiseAllowance(config.dp.sigmaSquared, 4) + 9;
    for (const each of noise) expect(Math.abs(each)).toBeLessThan(largest);
  });

  it('moves the clipping bound as the last coordinate says, and evaluates the held-out by themselves', async () => {
    const privacy = privacyOf({
      trainings: 2,
      evaluations: 2,
      adaptiveClip: { quantile: 0.5, learningRate: 0.4, noise: 1.2 },
    });
    const made = await createRoundWorld(noisyTask(privacy, { rounds: 2 }), [40, 40, 40]);
    world = made.world;
    const first = await runRound(world, made.nodes, 1, { within: 10 });
    expect(first.round.config).toMatchObject({ kind: 'train', clipLength: 1, clipL2: 1 });
    const { within, next } = first.result.clip!;
    // A quarter of the updates was within the bound; noise is 2 * 1.2 twins of four sets over 120.
    expect(Math.abs(within - 0.25)).toBeLessThan(0.25);
    expect(next).toBe(Number(Math.exp(-0.4 * (within - 0.5)).toPrecision(12)));
    const logits = (twin: number): number => (twin % 2 === 0 ? -3 : 3);
    const second = await runRound(world, made.nodes, 2, { logits });
    expect(second.round.config).toMatchObject({ kind: 'evaluate', clipL2: next });
    expect(second.result).toMatchObject({ clip: null, modelOut: second.result.modelIn });
    const figures = second.result.evaluation!;
    expect(figures.noise).toBeGreaterThan(0.5);
    const third = await runRound(world, made.nodes, 3, { within: 40 });
    expect(third.round.config).toMatchObject({ kind: 'train', clipL2: next });
    expect(third.result.clip!.next).toBeLessThan(next);
  });

  it('ends when its participants are spent, and says so with what was spent', async () => {
    const privacy = privacyOf({ trainings: 2, evaluations: 1 });
    const made = await createRoundWorld(noisyTask(privacy), [2, 3, 4]);
    world = made.world;
    await runRound(world, made.nodes, 1);
    expect(await progress(world)).toMatchObject({
      trained: 1,
      endedBecause: null,
      privacy: { trainings: { cap: 2, most: 1 }, evaluations: { cap: 1, most: 0 } },
    });
    await runRound(world, made.nodes, 2);
    // The last model is evaluated all the same: nobody has spent that yet.
    const last = await runRound(world, made.nodes, 3, { logits: (twin) => twin });
    expect(last.round.config.kind).toBe('evaluate');
    expect(await world.offer('churn')).toMatchObject({ state: 'finished', ended: 'budget-spent' });
    const { privacy: spent, ...rest } = await progress(world);
    expect(rest).toMatchObject({ state: 'finished', endedBecause: 'budget-spent', trained: 2, rounds: 5 });
    expect(spent!.trainings.counts).toMatchObject([{ participations: 2, participants: 3 }]);
    expect(spent!.evaluations.counts).toMatchObject([{ participations: 1, participants: 3 }]);
    expect(spent!.spent.epsilon).toBeCloseTo(privacy.epsilon, 9);
    expect(spent!.spent.rho).toBeCloseTo(2 / (2 * 2 ** 2), 12);
  });

  it('goes on while new participants come, takes none beyond the cap, and ends when nobody is left', async () => {
    const privacy = privacyOf({ trainings: 1, evaluations: 1 });
    const windows = { collect: 5_000, ack: 5_000, reveal: 10_000 };
    const made = await createRoundWorld(
      noisyTask(privacy, { windows, floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 } }),
      [2, 3, 2, 3],
    );
    world = made.world;
    await runRound(world, made.nodes.slice(0, 2), 1);
    // Whoever is spent cannot report again, whatever the device believes.
    const second = await world.openRound('churn', 2);
    const again = await reportOf(made.nodes[0]!, second.config, second.rcHash);
    expect(await world.upload(made.nodes[0]!, second, again)).toMatchObject({
      status: 403,
      code: 'report/budget-spent',
    });
    await runRound(world, made.nodes.slice(2), 2);
    const third = await world.openRound('churn', 3);
    expect(third.config.kind).toBe('train');
    // Nobody comes: too few reports, and nobody who could.
    const last = await runRound(world, made.nodes.slice(0, 2), 4, { logits: (twin) => twin });
    expect(last.round.config.kind).toBe('evaluate');
    const { ended, endedBecause } = await progress(world);
    expect(ended.map(({ status, reason }) => [status, reason])).toEqual([
      ['sealed', null],
      ['sealed', null],
      ['abandoned', 'too-few-reports'],
      ['sealed', null],
    ]);
    expect(endedBecause).toBe('budget-spent');
  }, 60_000);

  /** A set that nobody gives sums for, so that its round is abandoned. */
  async function abandonSet(): Promise<{ world: World; first: OpenRound }> {
    const windows = { collect: 20_000, ack: 5_000, reveal: 400 };
    const made = await createRoundWorld(noisyTask(privacyOf(), { windows }), [2, 3, 4]);
    world = made.world;
    const first = await world.openRound('churn', 1);
    for (const node of made.nodes)
      mustSucceed(await world.upload(node, first, await reportOf(node, first.config, first.rcHash)));
    expect((await progress(world)).privacy!.trainings.most).toBe(0);
    await world.helpersJudge();
    expect((await progress(world)).privacy!.trainings.most).toBe(1);
    while ((await world.offer('churn')).lastResult === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return { world, first };
  }

  it('charges nothing for a set that its helpers close, since nobody has learnt anything of it', async () => {
    const { world: at, first } = await abandonSet();
    const [one, ...others] = at.helpers as [TestHelper, TestHelper, TestHelper, TestHelper];
    const close = async (helper: TestHelper): Promise<void> => {
      const body = { v: 1, rcHash: first.rcHash, j: helper.j, ready: false };
      const key = at.parties.helpers[helper.j - 1]!;
      const statement = await signStatement('helper-close', body, key);
      const path = PATHS.helperClose(helper.j, first.rcHash);
      mustSucceed(await at.client.sendAsHelper(key, { method: 'PUT', path, body: statement }));
    };
    await close(one);
    await close(others[0]);
    expect((await progress(at)).privacy!.trainings.most).toBe(1);
    await close(others[1]);
    expect((await progress(at)).privacy!.trainings).toMatchObject({ most: 0, counts: [] });
  });

  it('charges a set that helpers do not close, and goes on', async () => {
    const { world: at, first } = await abandonSet();
    const second = await at.openRound('churn', 2);
    expect(second.config.modelHash).toBe(first.config.modelHash);
    const { ended, privacy } = await progress(at);
    expect(ended).toMatchObject([{ status: 'abandoned', reason: 'helpers-silent', count: 3 }]);
    expect(privacy!.trainings).toMatchObject({ most: 1, counts: [{ participants: 3 }] });
    expect(base64UrlToBytes(second.config.rotation.seed)).not.toEqual(
      base64UrlToBytes(first.config.rotation.seed),
    );
  });
});

describe('what a task does next', () => {
  const spec = noisyTask(privacyOf({ evaluations: 2 }), { rounds: 4 });
  const next = (trained: number, evaluated: boolean, train = false, evaluate = false): unknown =>
    chooseNext(spec, { trained, evaluated }, { train, evaluate });

  it('trains, evaluates in between and at the end, and is done', () => {
    expect(next(0, false)).toEqual({ kind: 'train' });
    expect(next(1, false)).toEqual({ kind: 'train' });
    expect(next(2, false)).toEqual({ kind: 'evaluate' });
    expect(next(2, true)).toEqual({ kind: 'train' });
    expect(next(4, false)).toEqual({ kind: 'evaluate' });
    expect(next(4, true)).toEqual({ ended: 'rounds-done' });
  });

  it('goes on without evaluations that nobody can afford, and ends training that nobody can', () => {
    expect(next(2, false, false, true)).toEqual({ kind: 'train' });
    expect(next(3, false, true)).toEqual({ kind: 'evaluate' });
    expect(next(3, true, true)).toEqual({ ended: 'budget-spent' });
    expect(next(3, false, true, true)).toEqual({ ended: 'budget-spent' });
    expect(next(4, false, true, true)).toEqual({ ended: 'rounds-done' });
  });
});
