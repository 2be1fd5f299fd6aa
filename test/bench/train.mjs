// Training rows per second: per-twin clipped sums against `fit` of tfjs layers, same network, same rows, one full batch.
//   npm run build && node test/bench/train.mjs [--rows N] [--seed N] [--json FILE]
import * as tf from '@tensorflow/tfjs';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { initialWeights, layerShapes } from '@twinkeep/protocol';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const WARM_UP = 3;
const REPEATS = 15;

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '5600' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const seed = `bench ${flags.seed}`;
const spec = { kind: 'mlp', inputs: 46, hidden: [16], outputs: 1, activation: 'tanh', seed };
const { tf: ops, backend } = await loadTf();
const rows = randomRows(Number(flags.rows));

const contenders = { clippedSum: clippedSum(), fit: fit() };
const seconds = { clippedSum: [], fit: [] };
// In turns, so that whatever else the machine does hits both.
for (let repeat = 0; repeat < WARM_UP + REPEATS; repeat++) {
  for (const [name, run] of Object.entries(contenders)) {
    const started = performance.now();
    await run();
    if (repeat >= WARM_UP) seconds[name].push((performance.now() - started) / 1000);
  }
}

const rowsPerSecond = { clippedSum: rows.n / median(seconds.clippedSum), fit: rows.n / median(seconds.fit) };
const ratio = rowsPerSecond.clippedSum / rowsPerSecond.fit;
const figures = { backend, rows: rows.n, inputs: spec.inputs, hidden: spec.hidden, rowsPerSecond, ratio };
process.stdout.write(
  `training, ${rows.n} rows x ${spec.inputs} inputs, ${spec.hidden.join(', ')} hidden, ${backend} backend, median of ${REPEATS}\n` +
    `  clippedSum (per-twin clipping)  ${thousands(rowsPerSecond.clippedSum)} rows/s\n` +
    `  tfjs layers fit (no clipping)   ${thousands(rowsPerSecond.fit)} rows/s\n` +
    `  ratio                           ${ratio.toFixed(2)}\n`,
);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);

function clippedSum() {
  const engine = createTfEngine(ops, spec);
  const weights = initialWeights(spec);
  return () => engine.clippedSum(weights, rows, 1);
}

function fit() {
  const model = tf.sequential();
  for (const [index, { inputs, outputs }] of layerShapes(spec).entries()) {
    const activation = index < spec.hidden.length ? spec.activation : 'linear';
    model.add(tf.layers.dense({ inputShape: [inputs], units: outputs, activation }));
  }
  model.compile({
    optimizer: 'sgd',
    loss: (labels, logits) => tf.losses.sigmoidCrossEntropy(labels, logits),
  });
  const features = tf.tensor2d(rows.features, [rows.n, spec.inputs]);
  const labels = tf.tensor2d(rows.labels, [rows.n, 1]);
  const options = { epochs: 1, batchSize: rows.n, shuffle: false, verbose: 0, yieldEvery: 'never' };
  return () => model.fit(features, labels, options);
}

function randomRows(n) {
  const uniform = tf.randomUniform([n * (spec.inputs + 1)], -1, 1, 'float32', seed).dataSync();
  const features = uniform.slice(0, n * spec.inputs);
  return { features, labels: uniform.slice(n * spec.inputs).map((value) => (value < -0.5 ? 1 : 0)), n };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function thousands(value) {
  return Math.round(value).toLocaleString('en').padStart(9);
}
