// Samples of noise per second on one core: the exact sampler, beside the same algorithm in plain BigInts as the paper states it, and
// beside Box-Muller rounded to integers, which is neither exact nor the same on every machine, and the least that a sample can cost here.
//   npm run build && node test/bench/noise.mjs [--samples N] [--seed N] [--json FILE]
import { addNoise } from '@twinkeep/protocol';
import { nodePrg } from '@twinkeep/region';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const WARM_UP = 1;
const REPEATS = 5;
const SIGMAS = [3, 100, 8_000, 200_000, 2 ** 25];

const { values: flags } = parseArgs({
  options: {
    samples: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const samples = Number(flags.samples);
/** The BigInt sampler is some forty times slower. */
const fewSamples = Math.ceil(samples / 100);
const key = createHash('sha256').update(`noise ${flags.seed}`).digest();

const rows = [];
for (const sigma of SIGMAS) {
  const rates = { exact: [], plain: [], boxMuller: [] };
  // In turns, so that whatever else the machine does hits all alike.
  for (let repeat = 0; repeat < WARM_UP + REPEATS; repeat++) {
    const exact = await perSecond(samples, (words) => addNoise(words, key, sigma ** 2, nodePrg));
    const plain = await perSecond(fewSamples, (words) => addPlain(words, BigInt(sigma ** 2)));
    const boxMuller = await perSecond(samples, (words) => addBoxMuller(words, sigma));
    if (repeat < WARM_UP) continue;
    rates.exact.push(exact);
    rates.plain.push(plain);
    rates.boxMuller.push(boxMuller);
  }
  const [exact, plain, boxMuller] = [rates.exact, rates.plain, rates.boxMuller].map(median);
  const ratio = { plain: exact / plain, boxMuller: exact / boxMuller };
  rows.push({ sigma, samplesPerSecond: { exact, plain, boxMuller }, ratio });
}
process.stdout.write(
  `discrete Gaussian noise, ${samples} samples, one core, median of ${REPEATS}\n` +
    '     sigma    exact, M/s   BigInt, M/s   Box-Muller, M/s   x BigInt   x Box-Muller\n' +
    rows.map(line).join(''),
);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ samples, rows }, null, 2)}\n`);

function line({ sigma, samplesPerSecond: { exact, plain, boxMuller }, ratio }) {
  return [
    String(sigma).padStart(10),
    millions(exact).padStart(13),
    millions(plain).padStart(14),
    millions(boxMuller).padStart(18),
    ratio.plain.toFixed(0).padStart(11),
    `${ratio.boxMuller.toFixed(2).padStart(15)}\n`,
  ].join('');
}

async function addBoxMuller(words, sigma) {
  const uniform = await nodePrg(key, 2 * Math.ceil(words.length / 2));
  for (let i = 0; i < words.length; i += 2) {
    const radius = sigma * Math.sqrt(-2 * Math.log((uniform[i] + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * uniform[i + 1]) / 2 ** 32;
    words[i] += Math.round(radius * Math.cos(angle));
    if (i + 1 < words.length) words[i + 1] += Math.round(radius * Math.sin(angle));
  }
}

/** Canonne, Kamath, Steinke 2020, Algorithms 1 to 3, word for word. */
async function addPlain(words, sigmaSquared) {
  let [stream, at] = [await nodePrg(key, 2 ** 20), 0];
  const word = () => stream[at++ % stream.length];
  const uniform = (below) => {
    const bits = below.toString(2).length;
    for (;;) {
      let draw = 0n;
      for (let have = 0; have < bits; have += 32) draw = (draw << 32n) | BigInt(word());
      draw &= (1n << BigInt(bits)) - 1n;
      if (draw < below) return draw;
    }
  };
  const bernoulli = (num, den) => uniform(den) < num;
  const bernoulliExp = (num, den) => {
    for (; num > den; num -= den) if (!bernoulliExpSmall(1n, 1n)) return false;
    return bernoulliExpSmall(num, den);
  };
  const bernoulliExpSmall = (num, den) => {
    let k = 1n;
    while (bernoulli(num, den * k)) k++;
    return k % 2n === 1n;
  };
  let t = 1n;
  while (t * t <= sigmaSquared) t *= 2n;
  for (let step = t / 2n; step > 0n; step /= 2n) if ((t - step) * (t - step) > sigmaSquared) t -= step;
  const laplace = () => {
    for (;;) {
      const u = uniform(t);
      if (!bernoulliExpSmall(u, t)) continue;
      let v = 0n;
      while (bernoulliExpSmall(1n, 1n)) v++;
      const size = u + t * v;
      const negative = bernoulli(1n, 2n);
      if (negative && size === 0n) continue;
      return negative ? -size : size;
    }
  };
  for (let i = 0; i < words.length;) {
    const y = laplace();
    const gap = (y < 0n ? -y : y) * t - sigmaSquared;
    if (!bernoulliExp(gap * gap, 2n * sigmaSquared * t * t)) continue;
    words[i++] += Number(y);
  }
}

async function perSecond(count, add) {
  const words = new Uint32Array(count);
  const started = performance.now();
  await add(words);
  return (1000 * count) / (performance.now() - started);
}

function millions(rate) {
  return (rate / 1e6).toFixed(rate < 1e6 ? 3 : 2);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
