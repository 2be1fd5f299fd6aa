// What a client spends on one round: CPU ms and bytes up, beside the same training with its sum sent in the clear.
//   npm run build && node test/bench/client-round.mjs [--twins N] [--inputs N] [--hidden N] [--seed N] [--json FILE]
import { bytesToBase64Url } from '@twinkeep/audit';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import {
  addEvaluation,
  admitClippedSum,
  createBoxKeyPair,
  createSigningKey,
  initialWeights,
  issueCredential,
  maskReport,
  parameterCount,
  planGrid,
  quantize,
  randomBytes,
  reportLayout,
  rotationSigns,
  sodiumReady,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const WARM_UP = 5;
const REPEATS = 30;
const EVALUATION = { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0.2 };
const HELPERS = 4;

const { values: flags } = parseArgs({
  options: {
    twins: { type: 'string', default: '500' },
    inputs: { type: 'string', default: '46' },
    hidden: { type: 'string', default: '16' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const twins = Number(flags.twins);
const seed = `bench ${flags.seed}`;
const spec = {
  kind: 'mlp',
  inputs: Number(flags.inputs),
  hidden: [Number(flags.hidden)],
  outputs: 1,
  activation: 'tanh',
  seed,
};

await sodiumReady;
const { tf, backend } = await loadTf();
const engine = createTfEngine(tf, spec);
const weights = initialWeights(spec);
const random = lcg(Number(flags.seed));
const trainers = rows(Math.round(twins * 0.8));
const heldOut = rows(twins - trainers.n);
const members = Array.from({ length: twins }, () => bytesToBase64Url(randomBytes(16)));
const device = await enrolled();
const config = await roundConfig();
const signs = await rotationSigns(new Uint8Array(32), config.dPadded, webCryptoPrg);

const milliseconds = { train: [], protect: [], clear: [] };
let bytesUp = 0;
let clearBytes = 0;
// In turns, so that whatever else the machine does hits all alike.
for (let repeat = 0; repeat < WARM_UP + REPEATS; repeat++) {
  const trained = await timed('train', repeat, train);
  bytesUp = await timed('protect', repeat, () => protect(trained));
  clearBytes = await timed('clear', repeat, () => clear(trained));
}

const ms = Object.fromEntries(Object.keys(milliseconds).map((stage) => [stage, median(milliseconds[stage])]));
const figures = {
  twins,
  parameters: config.d,
  backend,
  cpuMilliseconds: { ...ms, total: ms.train + ms.protect },
  bytesUp,
  clearBytes,
  ratio: { cpu: (ms.train + ms.protect) / (ms.train + ms.clear), bytes: bytesUp / clearBytes },
};
process.stdout.write(
  `one client, one round: ${twins} twins, ${config.d} parameters, ${backend} backend, CPU of the process, median of ${REPEATS}\n` +
    `  train and score            ${ms.train.toFixed(2).padStart(8)} ms\n` +
    `  quantise, mask, seal, sign ${ms.protect.toFixed(2).padStart(8)} ms   ${String(bytesUp).padStart(8)} bytes up\n` +
    `  the same in the clear      ${ms.clear.toFixed(2).padStart(8)} ms   ${String(clearBytes).padStart(8)} bytes up\n` +
    `  ratio, whole round         ${figures.ratio.cpu.toFixed(2).padStart(8)} x    ${figures.ratio.bytes.toFixed(2).padStart(8)} x\n`,
);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);

async function train() {
  const { sum, count, clippedCount } = await engine.clippedSum(weights, trainers, config.clipL2);
  return { sum, count, within: count - clippedCount, logits: await engine.scores(weights, heldOut) };
}

async function protect({ sum, count, within, logits }) {
  const update = admitClippedSum(sum, count, config.clipL2, within);
  const evaluation = addEvaluation(logits, heldOut.labels, config.evaluationUnit, EVALUATION);
  const layout = reportLayout(config.d, EVALUATION.bins);
  const quantized = quantize(update, evaluation, { ...config, layout, signs }, randomBytes);
  const round = { config, rcHash: randomBytes(32) };
  const { bytes } = await maskReport(quantized, members, round, device, {
    prg: webCryptoPrg,
    random: randomBytes,
  });
  return bytes.length;
}

/** What a framework without protection sends: float32 of the sum, and the sum of the evaluation. */
function clear({ sum, logits }) {
  const evaluation = addEvaluation(logits, heldOut.labels, config.evaluationUnit, EVALUATION);
  return Float32Array.from(sum).byteLength + Float32Array.from(evaluation.values).byteLength;
}

async function timed(stage, repeat, work) {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  if (repeat >= WARM_UP) milliseconds[stage].push((user + system) / 1000);
  return result;
}

async function enrolled() {
  const [key, issuerKey] = await Promise.all([createSigningKey(), createSigningKey()]);
  const claims = {
    sub: bytesToBase64Url(randomBytes(16)),
    devicePublicKey: key.publicKey,
    maxTwins: twins,
    scope: 'device',
  };
  const credential = await issueCredential(
    claims,
    { id: 'bench', key: issuerKey },
    'bench',
    new Date(),
    3600,
  );
  return { key, credential };
}

async function roundConfig() {
  const d = parameterCount(spec);
  const layout = reportLayout(d, EVALUATION.bins);
  const helpers = Array.from({ length: HELPERS }, (_, i) => ({
    j: i + 1,
    boxKey: bytesToBase64Url(createBoxKeyPair().publicKey),
  }));
  const maxTwins = 10_000;
  const grid = planGrid({ bits: 32, maxTwins, dPadded: layout.dPadded, noise: null });
  return { ...layout, ...grid, b: 32, clipL2: 1, maxTwins, helpers, c: 1 };
}

function rows(n) {
  const features = Float32Array.from({ length: n * spec.inputs }, () => random() * 2 - 1);
  return { features, labels: Float32Array.from({ length: n }, () => (random() < 0.26 ? 1 : 0)), n };
}

/** Minimal standard generator (Park and Miller 1988): data for a benchmark, nothing more. */
function lcg(start) {
  let state = (start % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
