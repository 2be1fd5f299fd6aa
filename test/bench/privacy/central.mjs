// All training rounds of a task in one place: the clipped sum of the cohort, on the task's grid, with the noise of every helper set, and the
// coordinator's step with it. Masks are left out, since they cancel to the bit.
import { createTfEngine } from '@twinkeep/edge-client/train';
import {
  addNoise,
  admitClippedSum,
  dequantizeUpdate,
  helperFamily,
  initialWeights,
  quantize,
  rotationSigns,
  taskGrid,
  taskLayout,
} from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { createHash } from 'node:crypto';
import { applyUpdate } from '../../../coordinator/dist/aggregate/apply.js';
import { auc } from '../../../demo/dist/baselines/metrics.js';

/** @returns AUC of the last model on `test` */
export async function trainCentrally(tf, task, cohort, test, seed) {
  const engine = createTfEngine(tf, task.model);
  const random = seededBytes(`${seed}/${cohort.n}/${task.privacy.epsilon ?? 'none'}`);
  const layout = taskLayout(task);
  const { unit, clipStep, qTwin, sigmaSquared } = taskGrid(task);
  const nothing = { values: new Float64Array(layout.evaluationLength), twins: 0 };
  let weights = initialWeights(task.model);
  let moments = null;
  for (let t = 0; t < task.rounds; t++) {
    const { sum, count, clippedCount } = await engine.clippedSum(weights, cohort, task.clipL2);
    const update = admitClippedSum(sum, count, task.clipL2, count - clippedCount);
    const signs = await rotationSigns(random(32), layout.dPadded, nodePrg);
    const grid = { layout, unit, clipStep, qTwin, clipL2: task.clipL2, signs };
    const { values } = quantize(update, nothing, grid, random);
    const words = new Uint32Array(values.buffer);
    if (sigmaSquared > 0)
      for (const _ of helperFamily(task.helpers.m, task.helpers.c))
        await addNoise(words, random(32), sigmaSquared, nodePrg);
    const gradient = dequantizeUpdate(values, grid).map((value) => value / count);
    ({ weights, moments } = applyUpdate(task.optimizer, weights, gradient, moments, { t, of: task.rounds }));
  }
  return auc(await engine.scores(weights, test), test.labels);
}

/** Bytes that follow from a seed, for a benchmark that can be repeated. */
function seededBytes(seed) {
  let draws = 0;
  return (length) =>
    new Uint8Array(createHash('shake256', { outputLength: length }).update(`${seed}/${draws++}`).digest());
}
