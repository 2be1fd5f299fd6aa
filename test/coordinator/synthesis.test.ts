/** Counting rounds at a real coordinator: nodes and single devices in one sum, consent of its own, a budget, and a synthesizer at the end. */
import {
  bytesToWeights,
  countingOf,
  countParts,
  epsilonFor,
  initialWeights,
  parameterCount,
  PATHS,
  publishCounts,
  readOneWays,
  sumOfCounts,
  type RoundResult,
  type RoundResults,
  type TaskSpec,
} from '@twinkeep/protocol';
import { fitPublished, type Published } from '@twinkeep/synthetic/federated';
import { sample } from '@twinkeep/synthetic/synthesize';
import { afterEach, describe, expect, it } from 'vitest';
import { countingTask, rowsOf, type Person } from '../protocol/counting-task.ts';
import { consentOf, createNode, type TestNode } from './support/node.ts';
import { createDevice } from './support/parties.ts';
import { createWorld, mustSucceed, reportOf, type OpenRound, type World } from './support/world.ts';

let world: World;
afterEach(() => world.stop());

/** Twins of a keeper and their records. */
interface Counted {
  node: TestNode;
  people: Person[];
}

const person = (i: number): Person => [i % 2, i % 3, i % 4, i % 2];

/** Two nodes of four twins, and two people's own devices, whose credentials allow one twin. */
async function start(task: TaskSpec): Promise<Counted[]> {
  world = await createWorld();
  for (const helper of world.helpers) mustSucceed(await helper.publishEpoch());
  const keepers: Counted[] = [];
  for (const [nth, twins] of [4, 4, 1, 1].entries()) {
    const node = await createNode(world.parties, twins, `keeper-${nth}`);
    // Its own key speaks for a person.
    if (twins === 1) node.device = await createDevice(world.parties, { maxTwins: 1, sub: node.twins[0]! });
    keepers.push({ node, people: node.twins.map((_, i) => person(4 * nth + i)) });
    await grant(node, task);
  }
  mustSucceed(await world.publish(task));
  return keepers;
}

async function grant(
  node: TestNode,
  { purpose }: TaskSpec,
  operations = ['synthesise'] as const,
): Promise<void> {
  const events = await Promise.all(
    node.twins.map((subject) =>
      consentOf(node, subject, 'grant', {
        purpose,
        operations,
        by: node.device.maxTwins === 1 ? 'subject' : 'collector',
      }),
    ),
  );
  await world.sendConsents(
    node,
    events.map(({ jws }) => jws),
  );
}

async function countsOf(task: TaskSpec, hash: string): Promise<Float32Array> {
  const answer = await world.client.send({ method: 'GET', path: PATHS.model(hash) });
  return bytesToWeights(answer.body as Uint8Array, task.model);
}

/** @returns answers to the reports, in the order of the keepers */
async function report(task: TaskSpec, round: OpenRound, keepers: readonly Counted[]): Promise<number[]> {
  const counts = await countsOf(task, round.config.modelHash);
  const statuses: number[] = [];
  for (const { node, people } of keepers) {
    const gradient = [...sumOfCounts(task, counts, rowsOf(task, people)).sum];
    const made = await reportOf(node, round.config, round.rcHash, { gradient, bins: task.evaluation.bins });
    statuses.push((await world.upload(node, round, made)).status);
  }
  return statuses;
}

/** What anybody may read of the task. */
async function readPublished(): Promise<Published> {
  const get = async <T>(path: string): Promise<T> =>
    (await world.client.send({ method: 'GET', path })).body as T;
  const task = await get<Published['task']>(PATHS.task('counts'));
  const { results } = await get<RoundResults>(`${PATHS.results('counts')}?after=0`);
  const last = results.at(-1)!.result.statement.body.modelOut;
  const counts = await get<Uint8Array>(PATHS.model(last));
  return { task, results: results.map(({ result }) => result), counts };
}

async function finish(task: TaskSpec): Promise<RoundResult> {
  await world.helpersJudge();
  await world.helpersReveal();
  return (await world.offer(task.taskId)).lastResult!.statement.body;
}

const FLOORS = { nMin: 2, nTarget: 4, minTwins: 2, maxTwins: 1_000 };

describe('counting rounds', () => {
  it('publish the counts of nodes and single devices together, end after three steps, and make a synthesizer', async () => {
    const task = countingTask({ floors: FLOORS });
    const keepers = await start(task);
    const everyone = rowsOf(
      task,
      keepers.flatMap(({ people }) => people),
    );
    let before: Float32Array = initialWeights(task.model);
    for (const number of [1, 2, 3]) {
      const round = await world.openRound('counts', number);
      expect(round.config).toMatchObject({
        kind: 'train',
        operation: 'synthesise',
        d: parameterCount(task.model),
      });
      expect(await report(task, round, keepers)).toEqual([202, 202, 202, 202]);
      const result = await finish(task);
      expect(result).toMatchObject({ round: number, status: 'sealed', count: 4, twins: 10 });
      const expected = publishCounts(task, before, sumOfCounts(task, before, everyone).sum);
      const published = await countsOf(task, result.modelOut);
      before = published;
      // Rounded to the grid once per report.
      expect(Math.max(...published.map((count, i) => Math.abs(count - expected[i]!)))).toBeLessThan(1e-2);
    }
    expect(await world.offer('counts')).toMatchObject({ state: 'finished', ended: 'rounds-done' });
    const published = await readPublished();
    const model = fitPublished(published, world.parties.trust);
    const { modelOut } = published.results.at(-1)!.statement.body;
    expect(model.lineage).toMatchObject({ taskId: 'counts', counts: modelOut, purpose: task.purpose });
    expect(model.lineage.results.map(({ round, twins }) => [round, twins])).toEqual([
      [1, 10],
      [2, 10],
      [3, 10],
    ]);
    // Other counts than the log's, or another coordinator's word, make nothing.
    const other = published.counts.slice();
    other[9]! ^= 1;
    expect(() => fitPublished({ ...published, counts: other }, world.parties.trust)).toThrow(/not those/);
    const { results } = published;
    expect(() => fitPublished({ ...published, results: results.slice(0, 2) }, world.parties.trust)).toThrow(
      /not those/,
    );
    const foreign = {
      ...world.parties.trust,
      coordinator: { ...world.parties.trust.coordinator, key: world.parties.trust.helpers[0]!.key },
    };
    expect(() => fitPublished(published, foreign)).toThrow(/trust root/);
    const rows = sample(model, { rows: 100, seed: 1 });
    expect(rows.columns.map(({ name }) => name)).toEqual(['plan', 'age', 'mail', 'churn']);
    expect(model.privacy).toBeNull();
  });

  it('leave out whoever allowed something else, and whoever withdrew before the set was fixed', async () => {
    const task = countingTask({ floors: FLOORS });
    const keepers = await start(task);
    // Leave to contribute is no leave to synthesise.
    const learner: Counted = {
      node: await createNode(world.parties, 2, 'learner'),
      people: [person(0), person(1)],
    };
    const operations = ['contribute'] as const;
    const events = await Promise.all(
      learner.node.twins.map((subject) =>
        consentOf(learner.node, subject, 'grant', { purpose: task.purpose, operations }),
      ),
    );
    await world.sendConsents(
      learner.node,
      events.map(({ jws }) => jws),
    );
    const round = await world.openRound('counts');
    const [first, second, third, last] = keepers as [Counted, Counted, Counted, Counted];
    expect(await report(task, round, [learner, first, second, third])).toEqual([403, 202, 202, 202]);
    const withdrawal = await consentOf(first.node, first.node.twins[0]!, 'withdraw', {
      purpose: task.purpose,
      operations: ['synthesise'],
    });
    await world.sendConsents(first.node, [withdrawal.jws]);
    expect(await report(task, round, [last])).toEqual([202]);
    const result = await finish(task);
    expect(result).toMatchObject({
      count: 3,
      twins: 6,
      dropped: [{ reason: 'consent-withdrawn', count: 1 }],
    });
    const { totals } = readOneWays(countingOf(task), await countsOf(task, result.modelOut), 1);
    const labels = [second, third, last].flatMap(({ people }) => people.map(([label]) => label));
    expect(totals.map(Math.round)).toEqual(
      [0, 1].map((label) => labels.filter((own) => own === label).length),
    );
  });

  it('end when the budget of their participants is spent, which no keeper can pass', async () => {
    const privacy = {
      mech: 'discrete-gaussian' as const,
      noiseMultiplier: 2,
      delta: 1e-5,
      epsilon: epsilonFor({ noiseMultiplier: 2, participations: 1, delta: 1e-5 }),
      trainings: 1,
      evaluations: 1,
      adaptiveClip: null,
    };
    const task = countingTask({
      floors: { ...FLOORS, nTarget: 2 },
      privacy,
      windows: { collect: 3_000, ack: 4_000, reveal: 8_000 },
    });
    const keepers = await start(task);
    const [one, other] = keepers as [Counted, Counted];
    const first = await world.openRound('counts');
    expect(await report(task, first, [one, other])).toEqual([202, 202]);
    const result = await finish(task);
    expect(result).toMatchObject({ status: 'sealed', evaluation: null });
    const counts = await countsOf(task, result.modelOut);
    const [total] = countParts(countingOf(task), counts, 0);
    // Noise of four sets, each of twice a whole report's norm.
    expect(Number.isInteger(counts[total!.at])).toBe(false);
    // They have spent it, and nobody else comes.
    const second = await world.openRound('counts', 2);
    expect(await report(task, second, [one, other])).toEqual([403, 403]);
    let offer = await world.offer('counts');
    while (offer.state !== 'finished') offer = (await world.pollOffer('counts', offer.rev, 5)) ?? offer;
    expect(offer.ended).toBe('budget-spent');
  });
});
