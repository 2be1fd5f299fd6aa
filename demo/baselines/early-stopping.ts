import * as tf from '@tensorflow/tfjs';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import { initialWeights, layerShapes } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import { logLoss } from './metrics.ts';
import { shuffled, takeRows } from './rows.ts';

// Tuned on splits of public churn data that no acceptance run uses. 5,600 rows take some 20 epochs of 0.1 s on one core.
const LEARNING_RATE = 0.005;
const PATIENCE = 10;
const MAX_EPOCHS = 300;
/** A small node learns more from small batches, and a large one has enough of larger ones. */
const BATCHES_PER_EPOCH = 80;
const [MIN_BATCH_ROWS, MAX_BATCH_ROWS] = [16, 256];

export interface FitOptions {
  readonly train: TrainingRows;
  /** Rows that only decide when to stop; at least one with a label. */
  readonly validation: TrainingRows;
  readonly spec: ModelSpec;
  /** Fixes the first weights and the order of the rows. */
  readonly seed: string;
  readonly onEpoch?: (epoch: EpochProgress) => void;
}

export interface EpochProgress {
  /** From 1. */
  readonly epoch: number;
  readonly validationLoss: number;
}

export interface Fitted {
  /** Of the best epoch, in the layout of `layerShapes`. */
  readonly weights: Float32Array;
  /** Epochs run, the fruitless last ones included. */
  readonly epochs: number;
}

/**
 * Ordinary central training with tfjs layers: Adam on log loss, until the loss on `validation` has not fallen for ten
 * epochs; answers with the weights of the best epoch. (tfjs's own `EarlyStopping` cannot restore them.) All rows need a
 * label.
 */
export async function fitWithEarlyStopping(options: FitOptions): Promise<Fitted> {
  const { train, validation, spec, seed, onEpoch } = options;
  const optimizer = tf.train.adam(LEARNING_RATE);
  const model = denseNetwork(spec);
  const held = tf.tensor2d(validation.features, [validation.n, spec.inputs]);
  try {
    model.compile({ optimizer, loss: (labels, logits) => tf.losses.sigmoidCrossEntropy(labels, logits) });
    setFlatWeights(model, spec, initialWeights({ ...spec, seed }));
    let best = { epoch: 0, loss: Infinity, weights: flatWeights(model) };
    let epoch = 0;
    while (epoch < MAX_EPOCHS && epoch - best.epoch < PATIENCE) {
      epoch++;
      await fitOnce(model, takeRows(train, shuffled(train.n, `${seed}/epoch ${epoch}`), spec.inputs), spec);
      const loss = logLoss(predict(model, held), validation.labels);
      if (loss < best.loss) best = { epoch, loss, weights: flatWeights(model) };
      onEpoch?.({ epoch, validationLoss: loss });
    }
    return { weights: best.weights, epochs: epoch };
  } finally {
    held.dispose();
    model.dispose();
    optimizer.dispose();
  }
}

function denseNetwork(spec: ModelSpec): tf.Sequential {
  const shapes = layerShapes(spec);
  const layers = shapes.map(({ inputs, outputs }, index) =>
    tf.layers.dense({
      inputShape: [inputs],
      units: outputs,
      activation: index < shapes.length - 1 ? spec.activation : 'linear',
    }),
  );
  return tf.sequential({ layers });
}

async function fitOnce(model: tf.Sequential, rows: TrainingRows, spec: ModelSpec): Promise<void> {
  const features = tf.tensor2d(rows.features, [rows.n, spec.inputs]);
  const labels = tf.tensor2d(rows.labels, [rows.n, 1]);
  try {
    // The rows come shuffled from our seed; tfjs would draw the order from Math.random.
    await model.fit(features, labels, {
      epochs: 1,
      batchSize: Math.min(Math.max(Math.ceil(rows.n / BATCHES_PER_EPOCH), MIN_BATCH_ROWS), MAX_BATCH_ROWS),
      shuffle: false,
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- tfjs keeps its enum to itself
      verbose: 0,
      yieldEvery: 'never',
    });
  } finally {
    tf.dispose([features, labels]);
  }
}

function predict(model: tf.Sequential, features: tf.Tensor): Float32Array {
  return tf.tidy(() => (model.predict(features) as tf.Tensor).dataSync<'float32'>());
}

function setFlatWeights(model: tf.Sequential, spec: ModelSpec, weights: Float32Array): void {
  tf.tidy(() => {
    model.setWeights(
      layerShapes(spec).flatMap(({ inputs, outputs, offset }) => {
        const bias = offset + inputs * outputs;
        return [
          tf.tensor2d(weights.slice(offset, bias), [inputs, outputs]),
          tf.tensor1d(weights.slice(bias, bias + outputs)),
        ];
      }),
    );
  });
}

/** Kernel, bias, kernel, bias: the order in which a dense network holds its weights is the layout of `layerShapes`. */
function flatWeights(model: tf.Sequential): Float32Array {
  return tf.tidy(() => tf.concat(model.getWeights().map((weight) => weight.flatten())).dataSync<'float32'>());
}
