/**
 * How alike two columns are, each by itself. The formulas are those of SDMetrics 0.29; all scores lie in [0, 1], 1 is best, and NaN
 * says that the question does not apply (both columns without values, a range of zero). Where SDMetrics has NaN because one of the
 * two columns has no value at all, the score here is 0: every value is missing or made up.
 */
import { recodeColumn, type CategoryColumn, type Column } from '../table.ts';

/** Without the missing ones, ascending. */
export function presentValues(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value)).sort();
}

/** 1 - max |F_real - F_synthetic|, the Kolmogorov-Smirnov distance; missing values are left out. */
export function ksComplement(real: Float64Array, synthetic: Float64Array): number {
  const a = presentValues(real);
  const b = presentValues(synthetic);
  if (a.length === 0 || b.length === 0) return emptyScore(a.length, b.length);
  let distance = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const at = Math.min(a[i] as number, b[j] as number);
    while (i < a.length && a[i] === at) i++;
    while (j < b.length && b[j] === at) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return 1 - distance;
}

/** 1 - half the sum of the differences of the shares, the total variation distance; missing values are left out. */
export function tvComplement(real: CategoryColumn, synthetic: CategoryColumn): number {
  const a = wordShares(real);
  const b = wordShares(synthetic);
  if (a.size === 0 || b.size === 0) return emptyScore(a.size, b.size);
  let difference = 0;
  for (const word of new Set([...a.keys(), ...b.keys()]))
    difference += Math.abs((a.get(word) ?? 0) - (b.get(word) ?? 0));
  return 1 - difference / 2;
}

/** The share of the real categories that occur among the synthetic ones. */
export function categoryCoverage(real: CategoryColumn, synthetic: CategoryColumn): number {
  const wanted = wordShares(real);
  const made = wordShares(synthetic);
  return [...wanted.keys()].filter((word) => made.has(word)).length / wanted.size;
}

/** How much of the real range the synthetic values span; NaN for a constant column. */
export function rangeCoverage(real: Float64Array, synthetic: Float64Array): number {
  const a = presentValues(real);
  const b = presentValues(synthetic);
  const [low, high] = [a[0] as number, a.at(-1) as number];
  if (a.length === 0 || low === high) return Number.NaN;
  if (b.length === 0) return 0;
  const missed = Math.max(0, (b[0] as number) - low) + Math.max(0, high - (b.at(-1) as number));
  return Math.max(0, 1 - missed / (high - low));
}

/** The share of the synthetic values within the real range. */
export function boundaryAdherence(real: Float64Array, synthetic: Float64Array): number {
  const a = presentValues(real);
  const b = presentValues(synthetic);
  if (a.length === 0 || b.length === 0) return emptyScore(a.length, b.length);
  const inside = b.filter((value) => value >= (a[0] as number) && value <= (a.at(-1) as number));
  return inside.length / b.length;
}

/** The share of the synthetic values that are real categories. */
export function categoryAdherence(real: CategoryColumn, synthetic: CategoryColumn): number {
  const allowed = wordShares(real);
  const made = wordShares(synthetic);
  if (allowed.size === 0 || made.size === 0) return emptyScore(allowed.size, made.size);
  return [...made].reduce((sum, [word, share]) => sum + (allowed.has(word) ? share : 0), 0);
}

/** 1 - |share missing in the real column - share missing in the synthetic one|. */
export function missingSimilarity(real: Column, synthetic: Column): number {
  return 1 - Math.abs(missingShare(real) - missingShare(synthetic));
}

/** 1 - |difference of the statistic| over the real range, at least 0; NaN for a constant column. */
export function statisticSimilarity(
  real: Float64Array,
  synthetic: Float64Array,
  statistic: 'mean' | 'median' | 'std',
): number {
  const a = presentValues(real);
  const b = presentValues(synthetic);
  const range = (a.at(-1) as number) - (a[0] as number);
  if (a.length === 0 || range === 0) return Number.NaN;
  if (b.length === 0) return 0;
  const of = STATISTICS[statistic];
  return Math.max(0, 1 - Math.abs(of(a) - of(b)) / range);
}

/** Of ascending values. `std` is that of the sample (n - 1). */
const STATISTICS = {
  mean: (values: Float64Array): number => mean(values),
  median: (values: Float64Array): number => {
    const middle = (values.length - 1) / 2;
    return ((values[Math.floor(middle)] as number) + (values[Math.ceil(middle)] as number)) / 2;
  },
  std: (values: Float64Array): number => {
    const centre = mean(values);
    return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) * (x - centre), 0) / (values.length - 1));
  },
};

/** KS or TV, by the kind of the columns, which is the same for both. */
export function shapeScore(real: Column, synthetic: Column): number {
  if (real.kind === 'category' && synthetic.kind === 'category') return tvComplement(real, synthetic);
  if (real.kind !== 'category' && synthetic.kind !== 'category')
    return ksComplement(real.values, synthetic.values);
  throw new RangeError(`${real.name} is of another kind in the synthetic table`);
}

export function missingShare(column: Column): number {
  const rows = column.kind === 'category' ? column.codes : column.values;
  let missing = 0;
  for (const value of rows) if (Number.isNaN(value) || (column.kind === 'category' && value < 0)) missing++;
  return rows.length === 0 ? 0 : missing / rows.length;
}

/** Shares of the words that occur, of the rows that have one. */
function wordShares({ words, codes }: CategoryColumn): Map<string, number> {
  const counts = new Map<string, number>();
  let present = 0;
  for (const code of codes) {
    if (code < 0) continue;
    present++;
    const word = words[code] as string;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  for (const [word, count] of counts) counts.set(word, count / present);
  return counts;
}

/** The two columns with the same codes for the same words, all words of either. */
export function alignCategories(
  real: CategoryColumn,
  synthetic: CategoryColumn,
): [CategoryColumn, CategoryColumn] {
  const words = [...new Set([...real.words, ...synthetic.words])];
  return [recodeColumn(real, words), recodeColumn(synthetic, words)];
}

function emptyScore(real: number, synthetic: number): number {
  return real === 0 && synthetic === 0 ? Number.NaN : 0;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
