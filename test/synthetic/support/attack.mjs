// A distinguishing attack on a fit: whoever knows both of two neighbouring tables and sees every released count, and from how often they
// are right, a lower bound of epsilon that holds with 95 % confidence (two Clopper-Pearson bounds of 97.5 %; the threshold is chosen on other
// trials than it is judged on). For tests and `npm run bench:synthetic`.
import { addNoise, randomBytes, webCryptoPrg } from '@twinkeep/protocol';
import {
  cellsToColumn,
  countTable,
  createTable,
  fitMstFromCounts,
  measure,
} from '@twinkeep/synthetic/synthesize';

const WORDS = ['x', 'y', 'z'];
const schema = {
  columns: [
    ...['a', 'b', 'c', 'd'].map((name) => ({ kind: 'category', name, words: WORDS })),
    { kind: 'category', name: 'left', words: ['no', 'yes'] },
  ],
};

/** `rows` rows, and one more in the neighbour. */
function table(rows, more) {
  const column = (name, word, last) =>
    cellsToColumn(name, 'category', [
      ...Array.from({ length: rows }, (_, i) => word(i)),
      ...(more ? [last] : []),
    ]);
  return createTable([
    ...['a', 'b', 'c', 'd'].map((name, place) => column(name, (i) => WORDS[(i >> place) % 3], 'y')),
    column('left', (i) => (i % 4 === 0 ? 'no' : 'yes'), 'yes'),
  ]);
}

/**
 * The largest epsilon that the attack proves at the delta. `noise`: standard deviation over the one that the fit asks for; 1 = as released, 0.5
 * = a fit that adds half of what it claims.
 */
export async function empiricalEpsilon({ epsilon, delta, trials, noise = 1 }) {
  const steps = await releasedSteps(epsilon, delta);
  const moved = steps.flatMap(({ without, withRow, variance }) =>
    [...withRow.keys()].flatMap((i) =>
      withRow[i] === without[i] ? [] : [{ by: withRow[i] - without[i], variance }],
    ),
  );
  // Counts that the row does not move say nothing. What is left is compared by the ratio of likelihoods.
  const statistics = new Float64Array(2 * trials);
  for (const { by, variance } of moved) {
    const drawn = await noiseOf(2 * trials, { num: Math.ceil(variance.num * noise ** 2), den: variance.den });
    const claimed = variance.num / variance.den;
    for (let i = 0; i < 2 * trials; i++) statistics[i] += (by * (drawn[i] + (i < trials ? 0 : by))) / claimed;
  }
  const half = Math.floor(trials / 2);
  const [low, lowTest] = [statistics.slice(0, half).sort(), statistics.slice(half, trials).sort()];
  const [high, highTest] = [
    statistics.slice(trials, trials + half).sort(),
    statistics.slice(trials + half).sort(),
  ];
  let best = { threshold: 0, bound: -Infinity };
  for (let i = 0; i < half; i += Math.ceil(half / 500)) {
    const bound = provenEpsilon(above(high, low[i]), above(low, low[i]), half, delta);
    if (bound > best.bound) best = { threshold: low[i], bound };
  }
  const judged = provenEpsilon(
    above(highTest, best.threshold),
    above(lowTest, best.threshold),
    trials - half,
    delta,
  );
  return { bound: Math.max(0, judged), cells: moved.length };
}

/** Of a fit of the table: the exact answers of both tables to every plan it asks for, and the variance of the noise on them. */
async function releasedSteps(epsilon, delta) {
  const [one, other] = [table(4_000, false), table(4_000, true)];
  const steps = [];
  const source = (plan, variance) => {
    const [without, withRow] = [one, other].map((rows) => countTable(rows, schema, 'left', plan));
    steps.push({ without, withRow, variance });
    return measure(without, variance);
  };
  await fitMstFromCounts(source, schema, { target: 'left', epsilon, delta });
  return steps;
}

async function noiseOf(words, variance) {
  const vector = new Uint32Array(words);
  await addNoise(vector, randomBytes(32), variance, webCryptoPrg);
  return new Int32Array(vector.buffer);
}

/** Of ascending values, how many are at or above. */
function above(values, threshold) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] >= threshold) high = middle;
    else low = middle + 1;
  }
  return values.length - low;
}

/** P(hit) <= e^epsilon P(false alarm) + delta. */
function provenEpsilon(hits, falseAlarms, trials, delta) {
  const hit = clopperPearson(hits, trials, 0.025);
  const falseAlarm = clopperPearson(falseAlarms, trials, 0.975);
  return hit <= delta ? -Infinity : Math.log((hit - delta) / falseAlarm);
}

/** The bound of a share of which `k` of `n` were seen: below with chance `level`, e.g. 0.025 or 0.975 (Clopper, Pearson 1934). */
export function clopperPearson(k, n, level) {
  if (level < 0.5 && k === 0) return 0;
  if (level > 0.5 && k === n) return 1;
  const [a, b] = level < 0.5 ? [k, n - k + 1] : [k + 1, n - k];
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(a, b, middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised, by its continued fraction (Abramowitz, Stegun 26.5.8; Lentz). */
function incompleteBeta(a, b, x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front =
    Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  const safe = (value) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let sum = d;
  for (let m = 1; m < 5_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    sum *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    sum *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return front * sum;
}

/** Stirling's series, after a shift to where it is exact. */
function logGamma(x) {
  let [shift, z] = [0, x];
  for (; z < 12; z++) shift -= Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1_260 * z ** 5);
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}
