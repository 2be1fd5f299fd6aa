/** A coordinator whose model makes no numbers: what a twin computes with it is never sent, so no masked vector tells which twins it broke. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { participate } from '@twinkeep/edge-client/fleet';
import {
  initialWeights,
  sodiumReady,
  type LoggedStatement,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTask } from '../edge-client/fixtures.ts';
import { createTestCoordinator, ROUND_OPEN, type TestCoordinator } from '../edge-client/round/coordinator.ts';
import { createKeeper } from '../edge-client/round/keeper.ts';
import { serveCoordinator, type TestWorld } from '../edge-client/round/server.ts';

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

/** The second round, whose model the coordinator made up: signed, logged, and served under its own hash. */
async function offerModel(weights: Float32Array): Promise<RoundOffer> {
  const bytes = new Uint8Array(weights.buffer.slice(0));
  const modelOut = bytesToBase64Url(sha256(bytes));
  coordinator.models.set(modelOut, bytes);
  await coordinator.endRound(await coordinator.openRound(task), { status: 'sealed', reason: null, modelOut });
  return (world.offer = await coordinator.openRound(task));
}

const size = (): number => initialWeights(task.statement.body.model).length;

describe('a model', () => {
  // Defence: edge-client/protocol/model.ts, `bytesToWeights`: every weight is a finite number.
  it.each([
    ['with a NaN', Number.NaN],
    ['with an infinity', Number.POSITIVE_INFINITY],
  ])('%s is refused', async (_what, value) => {
    const weights = initialWeights(task.statement.body.model).slice();
    weights[3] = value;
    const fleet = await createKeeper(coordinator, { url: world.server.url, task: makeTask(), twins: 12 });
    expect(await participate(fleet, task, await offerModel(weights))).toMatchObject({
      stayHome: 'model-refused',
    });
    expect(world.reports.size).toBe(0);
  });

  // Defence: edge-client/protocol/evaluation.ts, `addEvaluation`: what is no number stops the report.
  it('that overflows in training ends in no report, and the twin lives on', async () => {
    const fleet = await createKeeper(coordinator, { url: world.server.url, task: makeTask(), twins: 12 });
    const overflowing = await offerModel(new Float32Array(size()).fill(3e38));
    await expect(participate(fleet, task, overflowing)).rejects.toMatchObject({ code: 'protocol/clip' });
    expect(world.reports.size).toBe(0);
    expect(await fleet.store.readReports(task.statement.body.taskId)).toEqual([]);
    const good = await offerModel(initialWeights(task.statement.body.model));
    expect(await participate(fleet, task, good)).toMatchObject({ reported: 'accepted' });
  });

  // Defence: edge-client/protocol/clip.ts, `admitClippedSum`, and behind it the head-room in quantize.ts, `quantize`.
  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
    'that makes an engine answer %d ends in no report',
    async (value) => {
      const fleet = await createKeeper(coordinator, { url: world.server.url, task: makeTask(), twins: 12 });
      const { engine } = fleet;
      fleet.engine = {
        ...engine,
        clippedSum: async (...args) => {
          const trained = await engine.clippedSum(...args);
          trained.sum[5] = value;
          return trained;
        },
      };
      const offer = await offerModel(initialWeights(task.statement.body.model));
      await expect(participate(fleet, task, offer)).rejects.toMatchObject({
        code: expect.stringMatching(/^protocol\//),
      });
      expect(world.reports.size).toBe(0);
      expect(await fleet.store.readReports(task.statement.body.taskId)).toEqual([]);
    },
  );
});
