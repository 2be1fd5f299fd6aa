/** One-way counts by label, as far as they are known after a number of steps: two measurements of one thing, each weighted by how exact it is. */
import { LABELS, marginalsLayout, type MarginalsSpec } from './spec.ts';

/** What a task counts, and how exactly. */
export interface Counting {
  spec: MarginalsSpec;
  /** Variance, in twins squared, of a count that a whole report is spent on; a part that gets a share s of it has this over s. 0: no noise. */
  noise: number;
}

/** Of the first step: how many twins each label has. */
export const TOTALS_SHARE = 0.06;
/** Of the first and of the second step: all one-ways together. */
export const WAYS_SHARES: readonly [number, number] = [1 - TOTALS_SHARE, 0.79];

/** Shares of `whole`: the more cells, the more, which makes the sum of all squared errors smallest. */
export function sharesBySize(sizes: readonly number[], whole: number): number[] {
  const roots = sizes.map((size) => Math.sqrt(size));
  const sum = roots.reduce((a, b) => a + b, 0);
  return roots.map((root) => (whole * root) / sum);
}

export interface OneWays {
  /** Twins by label, at least 1. */
  totals: number[];
  /** By label, then column. */
  counts: Float64Array[][];
  /** By column: of each count's noise, relative to `Counting.noise`. */
  weights: number[];
}

/** @param steps 1 or 2 of them are looked at */
export function readOneWays({ spec }: Counting, counts: Float32Array, steps: 1 | 2): OneWays {
  const layout = marginalsLayout(spec);
  const cells = spec.columns.map((column) => column.cells);
  const shares = WAYS_SHARES.slice(0, steps).map((whole) => sharesBySize(cells, whole));
  const weights = cells.map((_, a) => shares.reduce((sum, of) => sum + (of[a] as number), 0));
  const ways = LABELS.map((label) =>
    cells.map((n, a) => {
      const mean = new Float64Array(n);
      for (const [step, of] of shares.entries()) {
        const at = wayOffset(cells, layout.ways[step as 0 | 1], label, a);
        const weight = (of[a] as number) / (weights[a] as number);
        for (let cell = 0; cell < n; cell++) mean[cell]! += weight * (counts[at + cell] as number);
      }
      return mean;
    }),
  );
  const totals = LABELS.map((label) => {
    let weight = TOTALS_SHARE;
    let sum = weight * (counts[layout.totals + label] as number);
    for (const [a, of] of (ways[label] as Float64Array[]).entries()) {
      const own = (weights[a] as number) / (cells[a] as number);
      weight += own;
      sum += own * of.reduce((x, y) => x + y, 0);
    }
    return Math.max(1, sum / weight);
  });
  return { totals, counts: ways, weights };
}

/** Where the counts of one column and label begin. */
export function wayOffset(cells: readonly number[], from: number, label: number, column: number): number {
  const before = (end: number): number => cells.slice(0, end).reduce((sum, n) => sum + n, 0);
  return from + label * before(cells.length) + before(column);
}

/** Both labels together. */
export function sumOverLabels({ counts }: OneWays, column: number): Float64Array {
  const [first, ...others] = counts.map((of) => of[column] as Float64Array);
  return (first as Float64Array).map((x, i) => others.reduce((sum, other) => sum + (other[i] as number), x));
}
