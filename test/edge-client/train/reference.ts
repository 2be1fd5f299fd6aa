import * as tf from '@tensorflow/tfjs';
import { layerShapes, parameterCount } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import * as fc from 'fast-check';

// Two slow, obvious ways to the same figures: automatic differentiation of one row at a time, and plain float64 loops.

/** Gradient of one row's log loss by all weights; zeros for a missing label. */
export function rowGradient(
  spec: ModelSpec,
  weights: Float32Array,
  row: Float32Array,
  label: number,
): Float32Array {
  if (Number.isNaN(label)) return new Float32Array(weights.length);
  const gradient = tf.grad((flat) => {
    const logit = tensorLogit(spec, flat, tf.tensor2d(row, [1, spec.inputs]));
    return tf.sub(tf.softplus(logit), tf.mul(logit, label)).asScalar();
  });
  return tf.tidy(() => gradient(tf.tensor1d(weights)).dataSync<'float32'>());
}

function tensorLogit(spec: ModelSpec, flat: tf.Tensor, row: tf.Tensor): tf.Tensor {
  const shapes = layerShapes(spec);
  let activation = row;
  shapes.forEach(({ inputs, outputs, offset }, index) => {
    const kernel = flat.slice([offset], [inputs * outputs]).reshape([inputs, outputs]);
    const bias = flat.slice([offset + inputs * outputs], [outputs]);
    activation = tf.add(tf.matMul(activation, kernel), bias);
    if (index < shapes.length - 1)
      activation = spec.activation === 'relu' ? tf.relu(activation) : tf.tanh(activation);
  });
  return activation;
}

/** The logit in float64, straight from the documented layout. */
export function plainLogit(spec: ModelSpec, weights: ArrayLike<number>, row: ArrayLike<number>): number {
  const shapes = layerShapes(spec);
  let activation = Array.from(row);
  shapes.forEach(({ inputs, outputs, offset }, index) => {
    const next: number[] = [];
    for (let unit = 0; unit < outputs; unit++) {
      let sum = weights[offset + inputs * outputs + unit]!;
      for (let i = 0; i < inputs; i++) sum += activation[i]! * weights[offset + i * outputs + unit]!;
      next.push(
        index === shapes.length - 1 ? sum : spec.activation === 'relu' ? Math.max(sum, 0) : Math.tanh(sum),
      );
    }
    activation = next;
  });
  return activation[0]!;
}

export function plainLoss(
  spec: ModelSpec,
  weights: ArrayLike<number>,
  row: ArrayLike<number>,
  label: number,
): number {
  const logit = plainLogit(spec, weights, row);
  return Math.log1p(Math.exp(logit)) - label * logit;
}

export function rowOf(rows: TrainingRows, index: number, inputs: number): Float32Array {
  return rows.features.subarray(index * inputs, (index + 1) * inputs);
}

export function norm(vector: ArrayLike<number>): number {
  return Math.sqrt(Array.from(vector).reduce((sum, value) => sum + value * value, 0));
}

export interface Problem {
  readonly spec: ModelSpec;
  readonly weights: Float32Array;
  readonly rows: TrainingRows;
}

/** Random networks of depth 0 to 2 with random weights and rows, some without a label. */
export const problems: fc.Arbitrary<Problem> = fc
  .record({
    inputs: fc.integer({ min: 1, max: 7 }),
    hidden: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
    activation: fc.constantFrom('relu' as const, 'tanh' as const),
    n: fc.integer({ min: 1, max: 12 }),
  })
  .chain(({ n, ...shape }) => {
    const spec: ModelSpec = { kind: 'mlp', outputs: 1, seed: 'x', ...shape };
    return fc.record({
      spec: fc.constant(spec),
      weights: float32s(parameterCount(spec)),
      rows: fc.record({
        features: float32s(n * spec.inputs),
        labels: fc
          .array(fc.constantFrom(0, 1, Number.NaN), { minLength: n, maxLength: n })
          .map((labels) => Float32Array.from(labels)),
        n: fc.constant(n),
      }),
    });
  });

function float32s(length: number): fc.Arbitrary<Float32Array> {
  return fc.float32Array({ minLength: length, maxLength: length, min: -2, max: 2, noNaN: true });
}
