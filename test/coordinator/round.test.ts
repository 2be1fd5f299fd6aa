import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { applyUpdate, progressPath, taskProgressSchema } from '@twinkeep/coordinator';
import {
  dequantizeUpdate,
  initialWeights,
  PATHS,
  reportLayout,
  roundResultSchema,
  rotationSigns,
  trustToPinned,
  verifyLogged,
  webCryptoPrg,
  weightsToBytes,
} from '@twinkeep/protocol';
import { base64UrlToBytes } from '@twinkeep/audit';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { smallTask } from './support/task.ts';
import { createRoundWorld, reportOf, type World } from './support/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

describe('a task, from its first round to its end', () => {
  it('opens exact sums, steps the model with them, and ends with a round that only evaluates', async () => {
    const task = smallTask();
    const made = await createRoundWorld(task, [2, 3, 4]);
    world = made.world;
    const pinned = trustToPinned(world.parties.trust);
    let weights: Float32Array = initialWeights(task.model);
    let moments: Float64Array | null = null;
    for (let number = 1; number <= task.rounds + 1; number++) {
      const round = await world.openRound(task.taskId, number);
      expect(round.config.kind).toBe(number <= task.rounds ? 'train' : 'evaluate');
      expect(round.config.modelHash).toBe(bytesToBase64Url(sha256(weightsToBytes(weights))));
      const total = new Int32Array(round.config.dPadded + round.config.evaluationLength);
      for (const node of made.nodes) {
        const clear = await reportOf(node, round.config, round.rcHash, {
          gradient: [0.3 * number, -0.2, 0.1],
        });
        clear.steps.forEach((step, i) => (total[i] = (total[i] as number) + step));
        expect(await world.upload(node, round, clear)).toMatchObject({ status: 202 });
      }
      await world.helpersJudge();
      await world.helpersReveal();

      const offer = await world.offer(task.taskId);
      const { statement } = verifyLogged(offer.lastResult!, 'round-result', roundResultSchema, pinned);
      expect(statement.body).toMatchObject({
        round: number,
        status: 'sealed',
        count: 3,
        twins: 9,
        dropped: [],
      });
      expect(statement.body.sumHash).toBe(bytesToBase64Url(sha256(new Uint8Array(total.buffer))));
      if (number > task.rounds) continue;
      const signs = await rotationSigns(
        base64UrlToBytes(round.config.rotation.seed),
        round.config.dPadded,
        webCryptoPrg,
      );
      const grid = { layout: reportLayout(3, 200), unit: round.config.unit, clipL2: 1, signs };
      const gradient = dequantizeUpdate(total, grid).map((value) => value / 9);
      if (task.optimizer.kind === 'publish') throw new Error('a task that counts');
      ({ weights, moments } = applyUpdate(task.optimizer, weights, gradient, moments, {
        t: number - 1,
        of: task.rounds,
      }));
      const model = await world.client.send({ method: 'GET', path: PATHS.model(statement.body.modelOut) });
      expect(model.body).toEqual(weightsToBytes(weights));
      expect(model.headers.get('Cache-Control')).toContain('immutable');
    }
    expect(await world.offer(task.taskId)).toMatchObject({
      state: 'finished',
      ended: 'rounds-done',
      config: null,
      phase: null,
    });
    const progress = await world.client.send({ method: 'GET', path: progressPath(task.taskId) });
    const { ended, ...rest } = v.parse(taskProgressSchema, progress.body);
    expect(rest).toEqual({
      taskId: 'churn',
      title: task.title,
      state: 'finished',
      rounds: 2,
      trained: 2,
      endedBecause: 'rounds-done',
      waitsFor: null,
      privacy: null,
      open: null,
    });
    expect(ended.map(({ kind, status, responding }) => ({ kind, status, responding }))).toEqual([
      { kind: 'train', status: 'sealed', responding: [1, 2, 3, 4] },
      { kind: 'train', status: 'sealed', responding: [1, 2, 3, 4] },
      { kind: 'evaluate', status: 'sealed', responding: [1, 2, 3, 4] },
    ]);
  });
});
