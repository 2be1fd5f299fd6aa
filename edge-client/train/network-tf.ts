import type * as tfjs from '@tensorflow/tfjs-core';
import { layerShapes } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';

/** What the engine calls of tfjs: tfjs-core with a backend, `@tensorflow/tfjs` and tfjs-node all offer it. */
export type TensorOps = Pick<
  typeof tfjs,
  | 'addN'
  | 'cast'
  | 'concat'
  | 'div'
  | 'greater'
  | 'matMul'
  | 'maximum'
  | 'mul'
  | 'ones'
  | 'relu'
  | 'reshape'
  | 'scalar'
  | 'sigmoid'
  | 'softplus'
  | 'sqrt'
  | 'square'
  | 'stack'
  | 'step'
  | 'sub'
  | 'sum'
  | 'tanh'
  | 'tensor2d'
  | 'tidy'
>;

type Tensor = tfjs.Tensor;

/** One layer's parameters, as matrices over the flat weights. */
interface LayerTensors {
  /** `[inputs + 1, outputs]`, the bias as last row. */
  readonly affine: Tensor;
  /** `[inputs, outputs]`, for the way back: nothing flows into the constant 1. */
  readonly kernel: Tensor;
}

/** A network with weights, as tensors that live in the caller's `tidy`. */
export interface NetworkTensors {
  readonly activation: ModelSpec['activation'];
  readonly layers: readonly LayerTensors[];
}

export interface ForwardPass {
  /** Input of each layer, `[n, inputs + 1]`, the last column 1. */
  readonly inputs: readonly Tensor[];
  /** Output of each hidden layer, `[n, outputs]`. */
  readonly hidden: readonly Tensor[];
  /** `[n, 1]`. */
  readonly logits: Tensor;
}

export function networkTensors(tf: TensorOps, spec: ModelSpec, weights: Float32Array): NetworkTensors {
  const layers = layerShapes(spec).map(({ inputs, outputs, offset }) => ({
    affine: tf.tensor2d(weights.subarray(offset, offset + (inputs + 1) * outputs), [inputs + 1, outputs]),
    kernel: tf.tensor2d(weights.subarray(offset, offset + inputs * outputs), [inputs, outputs]),
  }));
  return { activation: spec.activation, layers };
}

/** @param rows `[n, inputs + 1]`, the last column 1. */
export function forward(tf: TensorOps, network: NetworkTensors, rows: Tensor): ForwardPass {
  const activate = network.activation === 'relu' ? tf.relu : tf.tanh;
  const one = tf.ones([rows.shape[0], 1]);
  const inputs = [rows];
  const hidden: Tensor[] = [];
  let output = rows;
  network.layers.forEach(({ affine }, index) => {
    output = tf.matMul(inputs[index]!, affine);
    if (index === network.layers.length - 1) return;
    hidden.push(activate(output));
    inputs.push(tf.concat([hidden[index]!, one], 1));
  });
  return { inputs, hidden, logits: output };
}

/**
 * Gradient of each row's loss by the pre-activations of each layer, `[n, outputs]`, first layer first.
 * @param logitDelta the same by the logits, `[n, 1]`.
 */
export function backward(
  tf: TensorOps,
  network: NetworkTensors,
  hidden: readonly Tensor[],
  logitDelta: Tensor,
): Tensor[] {
  const slope = network.activation === 'relu' ? tf.step : (h: Tensor) => tf.sub(tf.scalar(1), tf.square(h));
  return hidden.reduceRight(
    (deltas, h, index) => {
      const arriving = tf.matMul(deltas[0]!, network.layers[index + 1]!.kernel, false, true);
      return [tf.mul(arriving, slope(h)), ...deltas];
    },
    [logitDelta],
  );
}

/** L2 norm of each row's gradient by all parameters, `[n]`: the square is `sum over layers of |a|^2 |delta|^2`. */
export function gradientNorms(tf: TensorOps, inputs: readonly Tensor[], deltas: readonly Tensor[]): Tensor {
  const squaredLength = (rows: Tensor) => tf.sum(tf.square(rows), 1);
  const squares = deltas.map((delta, l) => tf.mul(squaredLength(inputs[l]!), squaredLength(delta)));
  return tf.sqrt(tf.addN(squares));
}

/** Sum over rows of `scale * gradient`, `[parameters]` in the layout of the weights. @param scale `[n]`. */
export function weightedGradient(
  tf: TensorOps,
  inputs: readonly Tensor[],
  deltas: readonly Tensor[],
  scale: Tensor,
): Tensor {
  const column = tf.reshape(scale, [-1, 1]);
  const gradients = deltas.map((delta, l) => {
    // As an outer product: broadcasting a column is many times slower on the cpu backend.
    const spread = tf.matMul(column, tf.ones([1, delta.shape[1]!]));
    return tf.reshape(tf.matMul(inputs[l]!, tf.mul(delta, spread), true), [-1]);
  });
  return tf.concat(gradients);
}
