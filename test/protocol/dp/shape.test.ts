/**
 * Is the noise discrete Gaussian? Chi-square and likelihood ratio (2 n KL) against the exact distribution, and moments and residues where
 * sigma is large. Keys are fixed, so every run sees the same samples; the same tests reject samplers that are a little wrong.
 */
import { addNoise, webCryptoPrg, type Ratio } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { chiSquareP, discreteGaussian, fit, moments, normalCdf } from './statistics.ts';

const N = 1_000_000;
/** Each verdict below is one of about a dozen: one in ten thousand by chance would be bad luck, one in a hundred million a fault. */
const PLAUSIBLE = 1e-4;
const REFUSED = 1e-8;

const samples = new Map<string, Int32Array>();

/** The same samples for the same arguments, made once. */
async function sample(sigmaSquared: number | Ratio, n = N, keyByte = 1): Promise<Int32Array> {
  const id = JSON.stringify([sigmaSquared, n, keyByte]);
  const made = samples.get(id);
  if (made !== undefined) return made;
  const words = new Uint32Array(n);
  await addNoise(words, new Uint8Array(32).fill(keyByte), sigmaSquared, webCryptoPrg);
  const values = new Int32Array(words.buffer);
  samples.set(id, values);
  return values;
}

const CASES: { sigma: number; variance: Ratio; larger: Ratio }[] = [
  { sigma: 0.5, variance: { num: 1, den: 4 }, larger: { num: 103, den: 400 } },
  { sigma: 3, variance: { num: 9, den: 1 }, larger: { num: 927, den: 100 } },
  { sigma: 100, variance: { num: 10_000, den: 1 }, larger: { num: 10_300, den: 1 } },
];

describe.each(CASES)('at sigma $sigma', ({ sigma, variance, larger }) => {
  const law = discreteGaussian(sigma);

  it('samples fit the exact distribution', async () => {
    const found = fit(await sample(variance), law);
    expect(found.chiSquare).toBeGreaterThan(PLAUSIBLE);
    expect(found.likelihood).toBeGreaterThan(PLAUSIBLE);
    // KL of a sample of n in k cells is about (k - 1) / 2n.
    expect(found.divergence).toBeLessThan((found.cells - 1) / N);
    expect(found.cells).toBeGreaterThan(4);
  });

  it('they do with few samples too, as closely as TensorFlow Federated asks of its sampler', async () => {
    const sizes = sigma > 10 ? [] : [1_000, 10_000];
    for (const n of sizes) expect(fit(await sample(variance, n, 2), law).divergence).toBeLessThan(50 / n);
  });

  it('a variance that is 3 per cent off is seen', async () => {
    const found = fit(await sample(larger), law);
    expect(found.chiSquare).toBeLessThan(REFUSED);
    expect(found.likelihood).toBeLessThan(REFUSED);
  });

  it('signs are even, and neighbours do not know of each other', async () => {
    const values = await sample(variance);
    let [plus, minus, product] = [0, 0, 0];
    values.forEach((value, i) => {
      if (value > 0) plus++;
      if (value < 0) minus++;
      product += value * (values[i + 1] ?? 0);
    });
    expect(Math.abs(plus - minus)).toBeLessThan(4 * Math.sqrt(plus + minus));
    expect(Math.abs(product) / law.variance).toBeLessThan(4 * Math.sqrt(N));
  });
});

describe('a continuous Gaussian', () => {
  /** Box and Muller 1958, from the same key stream. */
  async function rounded(sigma: number): Promise<Int32Array> {
    const words = await webCryptoPrg(new Uint8Array(32).fill(3), 2 * N);
    return Int32Array.from({ length: N }, (_, i) => {
      const radius = Math.sqrt(-2 * Math.log((words[2 * i]! + 0.5) / 2 ** 32));
      return Math.round(sigma * radius * Math.cos((2 * Math.PI * words[2 * i + 1]!) / 2 ** 32));
    });
  }

  it('that is rounded is not the discrete one at sigma 0.5, and is seen', async () => {
    const found = fit(await rounded(0.5), discreteGaussian(0.5));
    expect(found.chiSquare).toBeLessThan(REFUSED);
    expect(found.likelihood).toBeLessThan(REFUSED);
  });

  it('passes for it at sigma 100, where the two are within 1e-4 of each other', async () => {
    expect(fit(await rounded(100), discreteGaussian(100)).chiSquare).toBeGreaterThan(PLAUSIBLE);
  });
});

describe('at large sigma', () => {
  it.each([8_000, 200_000, 2 ** 25])('%d, variance, kurtosis and the cells of a Gaussian', async (sigma) => {
    const values = await sample(sigma ** 2);
    const { mean, variance, kurtosis } = moments(values);
    // Four standard errors: sigma / sqrt(n), sigma^2 sqrt(2 / n), sqrt(24 / n).
    expect(Math.abs(mean) / sigma).toBeLessThan(4 / Math.sqrt(N));
    expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / N));
    expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / N));
    expect(cellsP(values, sigma)).toBeGreaterThan(PLAUSIBLE);
    expect(cellsP(values, sigma * 0.99)).toBeLessThan(REFUSED);
  });

  it.each([8_000, 200_000, 2 ** 25])('%d, the last digits are uniform', async (sigma) => {
    const values = await sample(sigma ** 2);
    for (const modulus of [2, 7, 256, 1_000]) {
      const counts = new Float64Array(modulus);
      for (const value of values) {
        const residue = ((value % modulus) + modulus) % modulus;
        counts[residue] = counts[residue]! + 1;
      }
      const expected = N / modulus;
      const square = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquareP(square, modulus - 1)).toBeGreaterThan(PLAUSIBLE);
    }
  });
});

/** Chi-square over cells a tenth of sigma wide, from -4 to 4 and both tails. */
function cellsP(values: Int32Array, sigma: number): number {
  const counts = new Float64Array(82);
  for (const value of values) {
    const cell = Math.min(81, Math.max(0, Math.floor((value + 0.5) / (0.1 * sigma)) + 41));
    counts[cell] = counts[cell]! + 1;
  }
  const edge = (cell: number): number => (cell <= 0 ? 0 : cell >= 82 ? 1 : normalCdf((cell - 41) / 10));
  const square = counts.reduce((sum, count, cell) => {
    const expected = values.length * (edge(cell + 1) - edge(cell));
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  return chiSquareP(square, 81);
}

describe('the statistics of this folder', () => {
  it('have the p-values of tables', () => {
    for (const [x, dof, p] of [
      [3.841459, 1, 0.05],
      [5.991465, 2, 0.05],
      [11.344867, 3, 0.01],
      [18.307038, 10, 0.05],
      [124.342113, 100, 0.05],
      [149.4492528, 100, 0.001],
      [293.24783, 255, 0.05],
    ] as const)
      expect(Math.abs(chiSquareP(x, dof) / p - 1)).toBeLessThan(1e-5);
    for (const [x, p] of [
      [0, 0.5],
      [1.959963985, 0.975],
      [-3.090232306, 0.001],
      [-6, 9.865876450376981e-10],
    ] as const)
      expect(Math.abs(normalCdf(x) / p - 1)).toBeLessThan(1e-8);
  });
});
