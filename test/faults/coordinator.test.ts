/** The coordinator killed at each step that its tables know, and started again: the same round goes on and ends right. */
import pg from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';
import { clearSumHash } from './clear-sum.ts';

const NODES = 3;
const PHASES = ['collecting', 'acking', 'revealing', 'sealed'] as const;

describe('coordinator killed in the middle of a round', () => {
  let world: World;
  let reporters: Reporter[];
  let database: pg.Client;
  const task = smallTask('killed-coordinator', {
    rounds: PHASES.length + 2,
    floors: { nMin: 2, nTarget: NODES, minTwins: 2, maxTwins: 1000 },
  });

  beforeAll(async () => {
    world = await createWorld(NODES);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    reporters = await Promise.all(
      Array.from({ length: NODES }, (_, i) => world.startReporter(i, randomSubjects(3), task)),
    );
    database = new pg.Client({ connectionString: world.databases.get('coordinator') ?? '' });
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  it.each(PHASES.map((phase, i) => ({ phase, round: i + 1 })))(
    'when round $round is $phase',
    async ({ phase, round }) => {
      const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(round)));
      // Helpers stand still, so that each phase lasts long enough to be hit.
      for (const helper of world.helpers) helper.process?.kill('SIGSTOP');
      reporters[0]!.upload(round);
      await reporters[0]!.accepted(round);
      if (phase === 'collecting') await world.coordinator.kill('SIGKILL');
      for (const reporter of reporters.slice(1)) reporter.upload(round);
      if (phase === 'acking') {
        await untilPhase(round, 'acking');
        await world.coordinator.kill('SIGKILL');
      }
      for (const helper of world.helpers) helper.process?.kill('SIGCONT');
      if (phase === 'revealing' || phase === 'sealed') {
        await untilPhase(round, phase);
        await world.coordinator.kill('SIGKILL');
      }
      await pause(150);
      await world.coordinator.start();
      const ended = await world.untilEnded(task.taskId, round, 100);
      const result = ended[round - 1];
      expect(result).toMatchObject({ round, status: 'sealed', count: NODES });
      expect(result?.sumHash).toBe(clearSumHash(vectors.map(({ values }) => values)));
    },
  );

  it('goes on to the next round after the last restart', async () => {
    const round = PHASES.length + 1;
    await Promise.all(reporters.map((reporter) => reporter.quantized(round)));
    for (const reporter of reporters) reporter.upload(round);
    const ended = await world.untilEnded(task.taskId, round, 100);
    expect(ended.map(({ status }) => status)).toEqual(Array(round).fill('sealed'));
  });

  async function untilPhase(round: number, phase: string): Promise<void> {
    for (let i = 0; i < 2_000; i++) {
      const { rows } = await database.query<{ phase: string }>('select phase from rounds where round = $1', [
        round,
      ]);
      const at = rows[0]?.phase;
      if (at === phase || at === 'sealed') return;
      await pause(5);
    }
    throw new Error(`round ${round} never was ${phase}`);
  }
});
