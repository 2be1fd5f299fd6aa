import * as tf from '@tensorflow/tfjs';
import type { TrainingRows } from '@twinkeep/edge-client/train';

/** A permutation of `0..n-1` that `seed` alone decides (Fisher and Yates, over the seeded generator of tfjs). */
export function shuffled(n: number, seed: string): number[] {
  const uniform = tf.tidy(() => tf.randomUniform([n], 0, 1, 'float32', seed).dataSync<'float32'>());
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    // As a float32 a draw just below 1 can round up to it.
    const j = Math.min(i, Math.floor(uniform[i]! * (i + 1)));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The rows of the given numbers, in that order. */
export function takeRows(rows: TrainingRows, order: readonly number[], inputs: number): TrainingRows {
  const features = new Float32Array(order.length * inputs);
  order.forEach((row, i) => {
    features.set(rows.features.subarray(row * inputs, (row + 1) * inputs), i * inputs);
  });
  return { features, labels: Float32Array.from(order, (row) => rows.labels[row]!), n: order.length };
}

export function labelledRows(rows: TrainingRows, inputs: number): TrainingRows {
  const labelled = [...rows.labels.keys()].filter((row) => !Number.isNaN(rows.labels[row]));
  return takeRows(rows, labelled, inputs);
}
