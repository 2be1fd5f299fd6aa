/**
 * How alike the dependence of two columns is. Formulas of SDMetrics 0.29, with one difference: numbers are cut into bins at the edges of
 * the *real* column, the outer ones open, as its specification says (its report code bins each table on edges of its own, so that a
 * column whose every value is wrong still scores 0.77).
 */
import type { Column, NumberColumn } from '../table.ts';
import { alignCategories } from './marginal.ts';

const BINS = 10;

/** Places of equal width between the smallest and the largest value, without the outer two: those bins are open. */
export function binEdges(values: Float64Array, bins: number = BINS): Float64Array {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low < high)) return new Float64Array();
  return Float64Array.from({ length: bins - 1 }, (_, i) => low + ((high - low) * (i + 1)) / bins);
}

/** The bin of each value, from 0; -1 = missing. */
export function binCodes(values: Float64Array, edges: Float64Array): Int32Array {
  return Int32Array.from(values, (value) => {
    if (Number.isNaN(value)) return -1;
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value >= (edges[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/**
 * 1 - |rho_real - rho_synthetic| / 2, Pearson's; rows where either is missing are left out. NaN where the real pair has no correlation (a
 * constant column, fewer than two rows); 0 where only the synthetic one has none.
 */
export function correlationSimilarity(
  real: readonly [NumberColumn, NumberColumn],
  synthetic: readonly [NumberColumn, NumberColumn],
): number {
  const wanted = correlation(real[0].values, real[1].values);
  if (Number.isNaN(wanted)) return Number.NaN;
  const made = correlation(synthetic[0].values, synthetic[1].values);
  return Number.isNaN(made) ? 0 : 1 - Math.abs(wanted - made) / 2;
}

/** NaN for a constant column or fewer than two rows. */
export function correlation(a: Float64Array, b: Float64Array): number {
  let [n, meanA, meanB, varA, varB, both] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    n++;
    const [dx, dy] = [x - meanA, y - meanB];
    meanA += dx / n;
    meanB += dy / n;
    varA += dx * (x - meanA);
    varB += dy * (y - meanB);
    both += dx * (y - meanB);
  }
  return n < 2 || !(varA > 0 && varB > 0) ? Number.NaN : both / Math.sqrt(varA) / Math.sqrt(varB);
}

/** 1 - half the sum over all pairs of categories of |share_real - share_synthetic|; missing is a category. NaN for tables without rows. */
export function contingencySimilarity(
  real: readonly [Column, Column],
  synthetic: readonly [Column, Column],
): number {
  const [realA, madeA] = commonCodes(real[0], synthetic[0]);
  const [realB, madeB] = commonCodes(real[1], synthetic[1]);
  return contingencyOfCodes([realA, realB], [madeA, madeB]);
}

/** Codes from -1 (missing) on, the same for the same category or bin in both tables. */
export function commonCodes(real: Column, synthetic: Column): [Int32Array, Int32Array] {
  if (real.kind === 'category' && synthetic.kind === 'category') {
    const [a, b] = alignCategories(real, synthetic);
    return [a.codes, b.codes];
  }
  if (real.kind === 'category' || synthetic.kind === 'category')
    throw new RangeError(`${real.name} is of another kind in the synthetic table`);
  const edges = binEdges(real.values);
  return [binCodes(real.values, edges), binCodes(synthetic.values, edges)];
}

/** The contingency similarity of columns that are codes already. */
export function contingencyOfCodes(
  real: readonly [Int32Array, Int32Array],
  synthetic: readonly [Int32Array, Int32Array],
): number {
  if (real[0].length === 0 && synthetic[0].length === 0) return Number.NaN;
  if (real[0].length === 0 || synthetic[0].length === 0) return 0;
  const width = 2 + Math.max(maximum(real[1]), maximum(synthetic[1]));
  const shares = new Map<number, number>();
  const add = ([a, b]: readonly [Int32Array, Int32Array], weight: number): void => {
    for (let i = 0; i < a.length; i++) {
      const cell = ((a[i] as number) + 1) * width + (b[i] as number) + 1;
      shares.set(cell, (shares.get(cell) ?? 0) + weight);
    }
  };
  add(real, 1 / real[0].length);
  add(synthetic, -1 / synthetic[0].length);
  let difference = 0;
  for (const share of shares.values()) difference += Math.abs(share);
  return Math.min(1, Math.max(0, 1 - difference / 2));
}

function maximum(codes: Int32Array): number {
  let highest = -1;
  for (const code of codes) if (code > highest) highest = code;
  return highest;
}
