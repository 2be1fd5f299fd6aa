/**
 * The noise in what a coordinator opens, over 2,000 rounds with random keys: as much as the task says, of the right shape, new in every
 * coordinate and round, and one whole share of it out of reach for an accomplice among the helpers.
 *
 * Every bound is five standard errors or a p-value of one in a million; less noise, or noise used twice, misses it by far more.
 */
import { helperFamily, reportWords, sodiumReady } from '@twinkeep/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { discreteGaussian, fit, type Law } from '../protocol/dp/statistics.ts';
import { createNoisyRounds, openRound, type Opened } from './support/opened-rounds.ts';

const ERRORS = 5;
const PLAUSIBLE = 1e-6;

/** Of each family. */
const ROUNDS = 1_000;
/** Milliseconds, on however busy a machine; some seconds on an idle one. */
const LONG = 600_000;

describe.each([
  { m: 3, c: 1 },
  { m: 4, c: 1 },
])('the noise in sums opened with ($m, $c) helpers', ({ m, c }) => {
  const sets = helperFamily(m, c).length;
  let opened: Opened[];
  let sigmaSquared: number;
  let words: number;

  beforeAll(async () => {
    await sodiumReady;
    const rounds = await createNoisyRounds(m, c);
    sigmaSquared = rounds.config.dp.sigmaSquared;
    words = reportWords(rounds.config);
    opened = [];
    for (let i = 0; i < ROUNDS; i++) opened.push(await openRound(rounds, answering(i, m, c)));
  }, LONG);

  const rows = (of: (each: Opened, i: number) => Int32Array): Int32Array[] => opened.map(of);
  const whole = (): Int32Array[] => rows(({ noise }) => noise);

  it('is the same from all holders of a set, bit for bit', () => {
    expect(opened.every(({ agreed }) => agreed)).toBe(true);
    // There was something to compare: every helper answered in one round of four, with the sets that it holds.
    const all = opened.filter((_, i) => i % 4 === 0);
    expect(all.every(({ answers }) => answers === sets * (m - c))).toBe(true);
  });

  it('has the variance of all sets together, and the shape of that many discrete Gaussians', () => {
    expect(verdict(whole(), sumOf(sets, sigmaSquared))).toEqual(GOOD);
  });

  it('would be seen to be wrong with one set missing, and with 5 per cent more or less variance', () => {
    const without = rows(({ noise, one }) => noise.map((step, k) => step - one[k]!));
    expect(verdict(without, sumOf(sets, sigmaSquared))).toEqual({ ...BAD, mean: true });
    for (const factor of [1.05, 0.95])
      expect(verdict(whole(), sumOf(sets, sigmaSquared * factor))).toMatchObject({ variance: false });
  });

  it('is new in every coordinate and every round', () => {
    expect(correlated(whole())).toBe(false);
    expect(correlated(transposed(whole(), words))).toBe(false);
    // The same in all rounds, as from a key that is made of the seeds of no round.
    const old = opened[0]!.one;
    const repeated = rows(({ noise, one }) => noise.map((step, k) => step - one[k]! + old[k]!));
    expect(correlated(repeated)).toBe(true);
    // The same in every coordinate and the next.
    const doubled = rows(({ noise, one }) => noise.map((step, k) => step - one[k]! + one[k - (k % 2)]!));
    expect(correlated(transposed(doubled, words))).toBe(true);
  });

  it('keeps one whole share where an accomplice takes off all that it knows', () => {
    const left = rows(({ noise, known }) => noise.map((step, k) => step - known[k]!));
    expect(verdict(left, sumOf(1, sigmaSquared))).toEqual(GOOD);
    expect(verdict(left, sumOf(1, 1.05 * sigmaSquared))).toMatchObject({ variance: false });
    // Nor does what it knows tell of the rest: noise that some know and noise that is left, side by side as two coordinates.
    const flat = [left, rows(({ known }) => known)].map((each) =>
      Int32Array.from(each.flatMap((row) => [...row])),
    );
    expect(correlated(flat)).toBe(false);
  });
});

/** In log mode c + 1 helpers are enough; each is away in its turn, and each is the accomplice in its turn, who comes first. */
function answering(round: number, m: number, c: number): number[] {
  const turned = Array.from({ length: m }, (_, i) => ((i + round) % m) + 1);
  return round % 4 === 0 ? turned : turned.slice(0, c + 1);
}

interface Verdict {
  mean: boolean;
  variance: boolean;
  shape: boolean;
}

const GOOD: Verdict = { mean: true, variance: true, shape: true };
const BAD: Verdict = { mean: false, variance: false, shape: false };

function verdict(rows: readonly Int32Array[], law: Law): Verdict {
  const sample = Int32Array.from(rows.flatMap((row) => [...row]));
  let [sum, square] = [0, 0];
  for (const value of sample) [sum, square] = [sum + value, square + value * value];
  const n = sample.length;
  // Every value for itself, which shows the last digits, and cells of a tenth of a standard deviation, which show the outline.
  const width = 2 * Math.round(Math.sqrt(law.variance) / 20) + 1;
  const cells = sample.map((value) => Math.round(value / width));
  return {
    mean: Math.abs(sum / n) < ERRORS * Math.sqrt(law.variance / n),
    variance: Math.abs(square / n / law.variance - 1) < ERRORS * Math.sqrt(2 / n),
    shape: fit(sample, law).chiSquare > PLAUSIBLE && fit(cells, coarser(law, width)).chiSquare > PLAUSIBLE,
  };
}

/** The exact law of a sum of `sets` independent discrete Gaussians, by convolution; beyond seven standard deviations there is nothing. */
function sumOf(sets: number, sigmaSquared: number): Law {
  const one = discreteGaussian(Math.sqrt(sigmaSquared));
  const reach = Math.ceil(7 * Math.sqrt(sets * sigmaSquared));
  const single = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => one.pmf(i - reach));
  let law = single;
  for (let k = 1; k < sets; k++) law = convolved(law, single, reach);
  return {
    pmf: (y) => law[y + reach] ?? 0,
    reach,
    normaliser: one.normaliser ** sets,
    variance: sets * one.variance,
  };
}

function convolved(a: Float64Array, b: Float64Array, reach: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(2 * reach + 1);
  for (let y = -reach; y <= reach; y++) {
    let p = 0;
    for (let x = Math.max(-reach, y - reach); x <= Math.min(reach, y + reach); x++)
      p += a[x + reach]! * b[y - x + reach]!;
    out[y + reach] = p;
  }
  return out;
}

/** Cell k holds the `width` values around k * width; `width` is odd. */
function coarser({ pmf, reach, ...law }: Law, width: number): Law {
  const half = (width - 1) / 2;
  const cell = (k: number): number => {
    let p = 0;
    for (let y = k * width - half; y <= k * width + half; y++) p += Math.abs(y) > reach ? 0 : pmf(y);
    return p;
  };
  return { ...law, pmf: cell, reach: Math.ceil(reach / width) };
}

/**
 * Whether any two rows have too much in common, or all pairs taken together have. For independent Gaussian rows of length n, r^2 of a pair has
 * mean 1/n and r sqrt(n) is about normal; of millions of pairs none is beyond 8.
 */
function correlated(rows: readonly Int32Array[]): boolean {
  const n = rows[0]!.length;
  const unit = rows.map((row) => {
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    return Float64Array.from(row, (value) => value / norm);
  });
  let [largest, excess, pairs] = [0, 0, 0];
  for (let i = 0; i < unit.length; i++)
    for (let k = 0; k < i; k++) {
      const square = n * dot(unit[i]!, unit[k]!) ** 2;
      largest = Math.max(largest, square);
      excess += square - 1;
      pairs++;
    }
  return largest > 8 ** 2 || (pairs > 1_000 && excess > (ERRORS + 1) * Math.sqrt(2 * pairs));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function transposed(rows: readonly Int32Array[], words: number): Int32Array[] {
  return Array.from({ length: words }, (_, k) => Int32Array.from(rows, (row) => row[k]!));
}
