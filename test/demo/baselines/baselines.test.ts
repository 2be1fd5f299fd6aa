import * as tf from '@tensorflow/tfjs';
import { createTfEngine } from '@twinkeep/edge-client/train';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import type { ModelSpec } from '@twinkeep/protocol';
import { describe, expect, test } from 'vitest';
import { trainLocalOnly, trainLogistic, trainPooled } from '../../../demo/baselines/baselines.ts';
import { fitWithEarlyStopping } from '../../../demo/baselines/early-stopping.ts';
import { logLoss } from '../../../demo/baselines/metrics.ts';

const spec: ModelSpec = {
  kind: 'mlp',
  inputs: 4,
  hidden: [8],
  outputs: 1,
  activation: 'tanh',
  seed: 'unused',
};

// Before the first tensor: keeps the advertisement of tfjs-node off the console.
tf.enableProdMode();

describe('early stopping', () => {
  test('goes back to the weights of the best epoch', async () => {
    // A slope that both share is learnt first, then the product, which holds for the training rows alone.
    const train = rowsLabelled(400, 'train', (row) => (row[2]! + 3 * row[0]! * row[1]! > 0 ? 1 : 0));
    const validation = rowsLabelled(200, 'validation', (row) =>
      row[2]! - 3 * row[0]! * row[1]! > 0 ? 1 : 0,
    );
    const losses: number[] = [];
    const { weights, epochs } = await fitWithEarlyStopping({
      train,
      validation,
      spec,
      seed: 'a',
      onEpoch: ({ epoch, validationLoss }) => {
        losses.push(validationLoss);
        expect(epoch).toBe(losses.length);
      },
    });
    const lowest = Math.min(...losses);
    expect(losses).toHaveLength(epochs);
    expect(losses.indexOf(lowest)).toBe(epochs - 11);
    expect(epochs).toBeGreaterThan(11);
    expect(losses.at(-1)).toBeGreaterThan(lowest + 0.01);
    const logits = await createTfEngine(tf, spec).scores(weights, validation);
    expect(logLoss(logits, validation.labels)).toBeCloseTo(lowest, 5);
  });

  test('is decided by its seed, and holds no tensor afterwards', async () => {
    const [train, validation] = [rowsLabelled(80, 'train', product), rowsLabelled(20, 'validation', product)];
    const before = tf.memory().numTensors;
    const first = await fitWithEarlyStopping({ train, validation, spec, seed: 'same' });
    const again = await fitWithEarlyStopping({ train, validation, spec, seed: 'same' });
    const elsewhere = await fitWithEarlyStopping({
      train,
      validation,
      spec: { ...spec, seed: 'of another task' },
      seed: 'same',
    });
    const other = await fitWithEarlyStopping({ train, validation, spec, seed: 'other' });
    expect(again).toEqual(first);
    expect(elsewhere).toEqual(first);
    expect(other.weights).not.toEqual(first.weights);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('baselines', () => {
  const test300 = rowsLabelled(300, 'hold-out', product);

  test('pooled training learns what logistic regression cannot, from the sign of a product', async () => {
    const train = rowsLabelled(600, 'train', product);
    const pooled = await trainPooled({ train, test: test300, spec, seed: 's' });
    const logistic = await trainLogistic({ train, test: test300, spec, seed: 's' });
    expect(pooled.auc).toBeGreaterThan(0.9);
    expect(logistic.auc).toBeLessThan(0.65);
    expect(pooled.logLoss).toBeLessThan(logistic.logLoss - 0.1);
    expect(pooled.epochs).toBeGreaterThan(10);
    expect(pooled.seconds).toBeGreaterThan(0);
  });

  test('rows without a label teach nothing', async () => {
    const train = rowsLabelled(100, 'train', product);
    const padded = {
      features: Float32Array.of(...train.features, ...train.features.map((value) => 9 * value)),
      labels: Float32Array.of(...train.labels, ...train.labels.map(() => Number.NaN)),
      n: 200,
    };
    const { seconds: _, ...alone } = await trainPooled({ train, test: test300, spec, seed: 's' });
    expect(await trainPooled({ train: padded, test: test300, spec, seed: 's' })).toMatchObject(alone);
  });

  test('local-only is the mean over the nodes, the ones that can hardly train included', async () => {
    const nodes = [
      rowsLabelled(400, 'large', product),
      rowsLabelled(20, 'small', product),
      rowsLabelled(30, 'one class', () => 0),
      rowsLabelled(9, 'too small to stop on', product),
      { features: new Float32Array(0), labels: new Float32Array(0), n: 0 },
    ];
    const seen = new Set<number>();
    const result = await trainLocalOnly({
      nodes,
      test: test300,
      spec,
      seed: 's',
      onEpoch: ({ node }) => seen.add(node),
    });
    const aucs = result.nodes.map((node) => node.auc);
    expect(result.auc).toBeCloseTo(aucs.reduce((sum, value) => sum + value) / 5, 12);
    expect(aucs[0]).toBeGreaterThan(Math.max(...aucs.slice(1)));
    expect(aucs.every((value) => value >= 0 && value <= 1)).toBe(true);
    for (const untrained of result.nodes.slice(3)) {
      expect(untrained).toMatchObject({ auc: 0.5, epochs: 0 });
      expect(untrained.logLoss).toBeCloseTo(Math.LN2, 12);
    }
    expect([...seen]).toEqual([0, 1, 2]);
  });
});

/** Churn when the first two features have one sign: no line separates that. */
function product(row: Float32Array): number {
  return row[0]! * row[1]! > 0 ? 1 : 0;
}

/** Uniform features in [-1, 1], and a fair coin for `label`, all fixed by `seed`. */
function rowsLabelled(
  n: number,
  seed: string,
  label: (row: Float32Array, coin: number) => number,
): TrainingRows {
  const draw = (length: number, what: string): Float32Array =>
    tf.tidy(() =>
      tf.randomUniform([length], -1, 1, 'float32', `${seed}/${what}`).dataSync<'float32'>().slice(),
    );
  const features = draw(n * spec.inputs, 'features');
  const coins = draw(n, 'coins');
  const labels = coins.map((coin, i) =>
    label(features.subarray(i * spec.inputs, (i + 1) * spec.inputs), coin > 0 ? 1 : 0),
  );
  return { features, labels, n };
}
