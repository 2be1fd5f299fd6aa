/**
 * A tree distribution from noisy marginals that contradict each other:
 *
 *   1. every one-way is known from itself and from the margins of its pairs: their mean, each weighted by how exact it is (least squares,
 *      Hay, Rastogi, Miklau, Suciu, "Boosting the accuracy of differentially private histograms through consistency", 2010);
 *   2. counts below zero are taken from those above (norm-sub; Wang, Lopuhaä-Zwakenberg, Li, Skoric, Li, "Locally differentially private frequency
 *      estimation with consistency", 2020), which keeps empty cells empty;
 *   3. pairs are fitted to the one-ways (iterative proportional fitting; Deming, Stephan, 1940).
 */
import type { Groups, Tree } from '@twinkeep/protocol';

/** Marginals of a tree: one table per attribute, and per attribute but the root the pair with its parent, parent outside. */
export interface TreeMarginals {
  single: Float64Array[];
  pair: (Float64Array | null)[];
}

export interface NoisyMarginals extends TreeMarginals {
  /** Variance of each count's noise. */
  singleVariance: number;
  pairVariance: number;
}

/** Marginals that agree and add up to `total`. */
export function estimateTree({ parents }: Tree, noisy: NoisyMarginals, total: number): TreeMarginals {
  const single = combineSingles(parents, noisy).map((counts) => positiveCounts(counts, total));
  const pair = noisy.pair.map((counts, a) => {
    if (counts === null) return null;
    return fitPair(
      positiveCounts(counts, total),
      single[parents[a] as number] as Float64Array,
      single[a] as Float64Array,
      total,
    );
  });
  return { single, pair };
}

/** Each one-way as itself and the margins of its pairs say it is, weighted by how exact they are. */
function combineSingles(
  parents: readonly number[],
  { single, pair, singleVariance, pairVariance }: NoisyMarginals,
): Float64Array[] {
  const sums = single.map((counts) => counts.map((count) => count / singleVariance));
  const weights = single.map(() => 1 / singleVariance);
  for (const [a, counts] of pair.entries()) {
    const parent = parents[a] as number;
    if (counts === null) continue;
    const [height, width] = [single[parent]!.length, single[a]!.length];
    // A margin adds up as many cells as the other attribute has.
    const [byRow, byColumn] = [1 / (pairVariance * width), 1 / (pairVariance * height)];
    weights[parent]! += byRow;
    weights[a]! += byColumn;
    for (const [cell, count] of counts.entries()) {
      sums[parent]![Math.floor(cell / width)]! += count * byRow;
      sums[a]![cell % width]! += count * byColumn;
    }
  }
  return sums.map((sum, a) => sum.map((x) => x / (weights[a] as number)));
}

const ROUNDS = 60;

/** The same amount is taken from every positive count until they add up to `total` and none is negative. */
function positiveCounts(counts: Float64Array, total: number): Float64Array {
  let values = counts.map((count) => Math.max(0, count));
  for (let round = 0; round < ROUNDS; round++) {
    const positive = values.filter((value) => value > 0);
    if (positive.length === 0) return values.fill(total / values.length);
    const excess = (positive.reduce((sum, value) => sum + value, 0) - total) / positive.length;
    if (Math.abs(excess) < 1e-9 * total) break;
    values = values.map((value) => (value > 0 ? Math.max(0, value - excess) : 0));
  }
  return positiveShares(values).map((share) => share * total);
}

/** A trace of independence, so that a margin can be met where the noise left a row without a count. */
const TRACE = 0.001;
const FITTING_ROUNDS = 30;

function fitPair(pair: Float64Array, rows: Float64Array, columns: Float64Array, total: number): Float64Array {
  const width = columns.length;
  const values = pair.map(
    (value, cell) =>
      (1 - TRACE) * value +
      (TRACE * (rows[Math.floor(cell / width)] as number) * (columns[cell % width] as number)) / total,
  );
  for (let round = 0; round < FITTING_ROUNDS; round++) {
    scale(values, rows, (cell) => Math.floor(cell / width));
    scale(values, columns, (cell) => cell % width);
  }
  return values;
}

function scale(values: Float64Array, margin: Float64Array, placeOf: (cell: number) => number): void {
  const sums = new Float64Array(margin.length);
  for (const [cell, value] of values.entries()) sums[placeOf(cell)]! += value;
  for (let cell = 0; cell < values.length; cell++) {
    const place = placeOf(cell);
    const sum = sums[place] as number;
    values[cell]! *= sum > 0 ? (margin[place] as number) / sum : 0;
  }
}

export function groupSums(counts: Float64Array, groups: Groups): Float64Array {
  const sums = new Float64Array(groups.count);
  for (const [cell, group] of groups.of.entries()) sums[group]! += counts[cell] as number;
  return sums;
}

export function positiveShares(counts: Float64Array): Float64Array {
  const positive = counts.map((count) => Math.max(0, count));
  const sum = positive.reduce((a, b) => a + b, 0);
  return positive.map((count) => (sum > 0 ? count / sum : 1 / counts.length));
}

/** What each attribute is, given its parent; where the parent's group has no mass, what it is at all. */
export function conditionals(tree: Tree, { single, pair }: TreeMarginals): number[][] {
  return tree.parents.map((parent, a) => {
    const own = positiveShares(single[a] as Float64Array);
    if (parent < 0) return [...own];
    const width = own.length;
    const table = pair[a] as Float64Array;
    const chances: number[] = [];
    for (let p = 0; p < table.length / width; p++) {
      const row = table.subarray(p * width, (p + 1) * width).map((x) => Math.max(0, x));
      const sum = row.reduce((x, y) => x + y, 0);
      chances.push(...(sum > 0 ? row.map((x) => x / sum) : own));
    }
    return chances;
  });
}
