/** Distributions and tests, written for the tests of this folder and checked in them against published values. */

/** P(N <= x) of a standard normal: series near 0, continued fraction in the tails. */
export function normalCdf(x: number): number {
  if (x === -Infinity) return 0;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) > 3) {
    let tail = Math.abs(x);
    for (let k = 80; k > 0; k--) tail = Math.abs(x) + k / tail;
    return x < 0 ? density / tail : 1 - density / tail;
  }
  let [term, sum] = [x, 0];
  for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
    sum += term;
    term *= (x * x) / k;
  }
  return 0.5 + density * sum;
}

/** P(chi-square with `dof` degrees of freedom > x): the finite sums for even and odd dof (Abramowitz and Stegun 26.4.4 and 26.4.5). */
export function chiSquareP(x: number, dof: number): number {
  const odd = dof % 2 === 1;
  let p = odd ? 2 * normalCdf(-Math.sqrt(x)) : 0;
  // Logarithms of (x/2)^k e^(-x/2) / Gamma(k + 1), for k from 1/2 or 0 in whole steps.
  let ln = -x / 2 - (odd ? Math.log(Math.sqrt(Math.PI) / 2) - Math.log(x / 2) / 2 : 0);
  for (let k = odd ? 0.5 : 0; k < dof / 2 - 0.5; k++) {
    p += Math.exp(ln);
    ln += Math.log(x / 2 / (k + 1));
  }
  return Math.min(1, p);
}

export interface Law {
  /** P(y) for y = -reach .. reach; what lies beyond is below 1e-30. */
  pmf: (y: number) => number;
  reach: number;
  /** sum over the integers of exp(-y^2 / (2 sigma^2)). */
  normaliser: number;
  variance: number;
}

/** The discrete Gaussian, by its definition. */
export function discreteGaussian(sigma: number): Law {
  const weight = (y: number): number => Math.exp(-(y * y) / (2 * sigma * sigma));
  const reach = Math.ceil(12 * sigma) + 1;
  let [normaliser, moment] = [1, 0];
  for (let y = reach; y > 0; y--) {
    normaliser += 2 * weight(y);
    moment += 2 * y * y * weight(y);
  }
  return { pmf: (y) => weight(y) / normaliser, reach, normaliser, variance: moment / normaliser };
}

export interface Fit {
  /** p-value of Pearson's chi-square. */
  chiSquare: number;
  /** p-value of 2 n KL(sample || law), which has the same distribution (Wilks). */
  likelihood: number;
  /** KL divergence of the sample from the law, in nats. */
  divergence: number;
  cells: number;
}

/** How well integers fit a law: cells are single values, those with fewer than 20 expected are taken together with their outer side. */
export function fit(sample: ArrayLike<number>, { pmf, reach }: Law): Fit {
  const n = sample.length;
  let edge = 0;
  while (edge < reach && pmf(edge + 1) * n >= 20) edge++;
  const expected = new Float64Array(2 * edge + 1);
  for (let y = -reach; y <= reach; y++) {
    const cell = Math.min(2 * edge, Math.max(0, y + edge));
    expected[cell] = expected[cell]! + n * pmf(y);
  }
  const counts = new Float64Array(2 * edge + 1);
  for (let i = 0; i < n; i++) {
    const cell = Math.min(2 * edge, Math.max(0, sample[i]! + edge));
    counts[cell] = counts[cell]! + 1;
  }
  let [pearson, twice] = [0, 0];
  counts.forEach((count, cell) => {
    pearson += (count - expected[cell]!) ** 2 / expected[cell]!;
    if (count > 0) twice += 2 * count * Math.log(count / expected[cell]!);
  });
  return {
    chiSquare: chiSquareP(pearson, 2 * edge),
    likelihood: chiSquareP(twice, 2 * edge),
    divergence: twice / (2 * n),
    cells: counts.length,
  };
}

/** Mean, variance, and kurtosis about the mean. */
export function moments(sample: Int32Array): { mean: number; variance: number; kurtosis: number } {
  let [sum, second, fourth] = [0, 0, 0];
  for (const value of sample) sum += value;
  const mean = sum / sample.length;
  for (const value of sample) {
    const square = (value - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  const variance = second / sample.length;
  return { mean, variance, kurtosis: fourth / sample.length / variance ** 2 };
}
