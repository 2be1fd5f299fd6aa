import type { Tensor } from '@tensorflow/tfjs-core';
import type { ClippedSum, TrainingEngine, TrainingRows } from './engine.ts';
import { TrainError } from './errors.ts';
import { parameterCount, requireWeights } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import { backward, forward, gradientNorms, networkTensors, weightedGradient } from './network-tf.ts';
import type { TensorOps } from './network-tf.ts';
import { chunksOf, requireRows } from './rows.ts';
import type { RowChunk } from './rows.ts';

/** Norms are float32: clipping this much tighter keeps rounding from letting a contribution exceed the bound. */
const CLIP_MARGIN = 2 ** -16;

/**
 * Engine for one network on tfjs. It clips per twin without forming per-twin gradients (Goodfellow 2015, "Efficient
 * per-example gradient computations", arXiv 1510.01799): in a dense layer with input `a`, which carries a trailing 1
 * for the bias, and back-propagated `delta`, the gradient of one row is `a^T delta` and its norm `|a| |delta|`. One
 * forward and one backward pass give the norm of every twin, and the clipped sum is `A^T (scale * Delta)`.
 *
 * Large inputs go through in chunks, so memory does not grow with the number of twins. The engine holds no tensor
 * between calls, also when one fails.
 */
export function createTfEngine(tf: TensorOps, spec: ModelSpec): TrainingEngine {
  return {
    async clippedSum(weights: Float32Array, rows: TrainingRows, clip: number): Promise<ClippedSum> {
      requireWeights(weights, spec);
      requireRows(rows, spec.inputs);
      requireClip(clip);
      const sum = new Float64Array(parameterCount(spec));
      let [count, clippedCount, loss] = [0, 0, 0];
      for (const chunk of chunksOf(rows, spec.inputs)) {
        const pass = tf.tidy(() => clippedPass(tf, spec, weights, chunk, clip * (1 - CLIP_MARGIN)));
        const [gradient, figures] = await Promise.all([readAndFree(pass[0]), readAndFree(pass[1])]);
        gradient.forEach((value, i) => (sum[i]! += value));
        loss += figures[0]!;
        count += figures[1]!;
        clippedCount += figures[2]!;
      }
      if (!sum.every(Number.isFinite)) {
        throw new TrainError('training/diverged', 'the sum of gradients is not finite at these weights');
      }
      return { sum, count, clippedCount, loss: count === 0 ? 0 : loss / count };
    },

    async scores(weights: Float32Array, rows: TrainingRows): Promise<Float32Array> {
      requireWeights(weights, spec);
      requireRows(rows, spec.inputs);
      const logits = new Float32Array(rows.n);
      let done = 0;
      for (const chunk of chunksOf(rows, spec.inputs)) {
        const output = tf.tidy(
          () => forward(tf, networkTensors(tf, spec, weights), rowTensor(tf, chunk, spec)).logits,
        );
        logits.set(await readAndFree(output), done);
        done += chunk.n;
      }
      return logits;
    },
  };
}

/** `[parameters]` of summed gradient, and over the chunk the sums of: loss, rows with a label, rows clipped. */
function clippedPass(
  tf: TensorOps,
  spec: ModelSpec,
  weights: Float32Array,
  chunk: RowChunk,
  bound: number,
): [gradient: Tensor, figures: Tensor] {
  const network = networkTensors(tf, spec, weights);
  const { inputs, hidden, logits } = forward(tf, network, rowTensor(tf, chunk, spec));
  const labels = tf.tensor2d(chunk.labels, [chunk.n, 1]);
  const labelled = tf.tensor2d(chunk.labelled, [chunk.n, 1]);
  const logitDelta = tf.mul(tf.sub(tf.sigmoid(logits), labels), labelled);
  const deltas = backward(tf, network, hidden, logitDelta);

  const norms = gradientNorms(tf, inputs, deltas);
  const limit = tf.scalar(bound);
  const scale = tf.div(limit, tf.maximum(norms, limit));
  // log(1 + e^z) - y z is the log loss of a logit, without the overflow of log(sigmoid(z)).
  const losses = tf.mul(tf.sub(tf.softplus(logits), tf.mul(labels, logits)), labelled);
  const clipped = tf.cast(tf.greater(norms, limit), 'float32');
  return [
    weightedGradient(tf, inputs, deltas, scale),
    tf.stack([tf.sum(losses), tf.sum(labelled), tf.sum(clipped)]),
  ];
}

function rowTensor(tf: TensorOps, chunk: RowChunk, spec: ModelSpec): Tensor {
  return tf.tensor2d(chunk.features, [chunk.n, spec.inputs + 1]);
}

async function readAndFree(tensor: Tensor): Promise<Float32Array> {
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}

function requireClip(clip: number): void {
  if (!Number.isFinite(clip) || clip <= 0) {
    throw new TrainError('clip/out-of-range', `the clipping bound must be finite and positive, got ${clip}`);
  }
}
