/** SIGKILL of 30 % of the nodes in the middle of a round. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';
import { clearSumHash } from './clear-sum.ts';

const NODES = 10;
const TWINS = 5;

describe('three of ten nodes killed in the middle of a round', () => {
  let world: World;
  let reporters: Reporter[];
  // The deadline is what ends these rounds.
  const task = smallTask('killed-nodes', { windows: { collect: 6_000, ack: 10_000, reveal: 10_000 } });

  beforeAll(async () => {
    world = await createWorld(NODES);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    reporters = await Promise.all(
      Array.from({ length: NODES }, (_, i) => world.startReporter(i, randomSubjects(TWINS), task)),
    );
  });

  afterAll(() => world.stop());

  it('ends at its deadline with the exact sum over those who reported', async () => {
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    for (const reporter of reporters.slice(0, 5)) reporter.upload(1);
    await Promise.all(reporters.slice(0, 5).map((reporter) => reporter.accepted(1)));
    for (const reporter of reporters.slice(7)) reporter.process.kill('SIGKILL');
    for (const reporter of reporters.slice(5, 7)) reporter.upload(1);
    const [first] = await world.untilEnded(task.taskId, 1, 100);
    expect(first).toMatchObject({ round: 1, status: 'sealed', count: 7, twins: 7 * TWINS });
    expect(first?.sumHash).toBe(clearSumHash(vectors.slice(0, 7).map(({ values }) => values)));
    // The comparison can fail: a sum over one report fewer has another hash.
    expect(first?.sumHash).not.toBe(clearSumHash(vectors.slice(0, 6).map(({ values }) => values)));
  });

  it('counts a node that ended right after its report was accepted', async () => {
    const alive = reporters.slice(0, 7);
    const vectors = await Promise.all(alive.map((reporter) => reporter.quantized(2)));
    for (const reporter of alive) reporter.upload(2);
    await alive[0]!.accepted(2);
    alive[0]!.process.kill('SIGKILL');
    const [, second] = await world.untilEnded(task.taskId, 2, 100);
    expect(second).toMatchObject({ round: 2, status: 'sealed', count: 7 });
    expect(second?.sumHash).toBe(clearSumHash(vectors.map(({ values }) => values)));
  });

  it('opens the evaluation of held-out twins with the exact counts', async () => {
    const [first] = await world.results(task.taskId);
    expect(first?.evaluation).toMatchObject({ twins: 7 * (TWINS - 1) });
  });
});
