// Customers as training rows, by the code of a twin, all of them consenting.
import { CATEGORIES } from '@twinkeep/consent';
import {
  applyEvent,
  createFeatureState,
  featureRow,
  labelOf,
  parseEvent,
  planOf,
} from '@twinkeep/edge-client/fleet';
import { inputWidth } from '@twinkeep/protocol';
import { drawOrder } from '../../../demo/dist/seeded.js';

const ALL = new Set(CATEGORIES);

/** Customers without a label are left out. */
export function readRows(customers, task) {
  const plan = planOf([task]);
  const twins = Array.from({ length: customers.size }, (_, customer) => {
    const state = createFeatureState(plan);
    for (const event of customers.events(customer)) applyEvent(state, parseEvent(event));
    const { label, asOf } = labelOf(state, task);
    return Number.isNaN(label) ? null : { inputs: featureRow(state, task, asOf, ALL), label };
  }).filter((twin) => twin !== null);
  const width = inputWidth(task.features);
  const features = new Float32Array(twins.length * width);
  twins.forEach(({ inputs }, i) => features.set(inputs, i * width));
  return { features, labels: Float32Array.from(twins, ({ label }) => label), n: twins.length };
}

/** @param holdout share of the rows that no training sees */
export function splitRows(rows, holdout, seed) {
  const order = drawOrder(rows.n, seed, 'bench');
  const held = Math.round(rows.n * holdout);
  return { heldOut: pickRows(rows, order.slice(0, held)), training: pickRows(rows, order.slice(held)) };
}

/** The first n: at random, since a split is. */
export function takeRows(rows, n) {
  return pickRows(
    rows,
    Array.from({ length: n }, (_, i) => i),
  );
}

function pickRows({ features, labels, n }, order) {
  const width = features.length / n;
  const picked = new Float32Array(order.length * width);
  order.forEach((row, i) => picked.set(features.subarray(row * width, (row + 1) * width), i * width));
  return { features: picked, labels: Float32Array.from(order, (row) => labels[row]), n: order.length };
}
