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

/** What a column gets in the second step at least, beside how far it sets the labels apart. */
const LEAST_TELLING = 0.1;

/**
 * Shares of the one-ways of a step, by column. In the second step, columns that set the labels apart in the first get more: the total variation
 * between the labels' shares, twice, less what noise alone makes of it.
 */
export function wayShares(counting: Counting, counts: Float32Array, step: 0 | 1): number[] {
  const cells = counting.spec.columns.map((column) => column.cells);
  const bySize = sharesBySize(cells, WAYS_SHARES[step]);
  if (step === 0) return bySize;
  const { totals, counts: ways, weights } = readOneWays(counting, counts, 1);
  const [negatives, positives] = totals as [number, number];
  const telling = bySize.map((share, a) => {
    const variance = counting.noise / (weights[a] as number);
    const sigma = Math.sqrt(variance / (negatives * negatives) + variance / (positives * positives));
    const [no, yes] = [ways[0]![a] as Float64Array, ways[1]![a] as Float64Array];
    const apart = no.reduce((sum, x, i) => sum + Math.abs(x / negatives - (yes[i] as number) / positives), 0);
    return share * (LEAST_TELLING + Math.max(0, apart - no.length * Math.sqrt(2 / Math.PI) * sigma));
  });
  const whole = telling.reduce((a, b) => a + b, 0);
  return telling.map((share) => (WAYS_SHARES[1] * share) / whole);
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
export function readOneWays(counting: Counting, counts: Float32Array, steps: 1 | 2): OneWays {
  const { spec } = counting;
  const layout = marginalsLayout(spec);
  const cells = spec.columns.map((column) => column.cells);
  const shares = ([0, 1] as const).slice(0, steps).map((step) => wayShares(counting, counts, step));
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
