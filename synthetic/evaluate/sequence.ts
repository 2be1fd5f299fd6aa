/** How alike sequences are: of events per customer, of a value over time. Formulas of SDMetrics 0.29; each sequence is a list of numbers. */
import { ksComplement } from './marginal.ts';

export type Sequences = readonly (readonly number[])[];

/** KS complement of the lengths (SequenceLengthSimilarity; of children per parent, CardinalityShapeSimilarity). */
export function sequenceLengthSimilarity(real: Sequences, synthetic: Sequences): number {
  const lengths = (sequences: Sequences): Float64Array =>
    Float64Array.from(sequences, ({ length }) => length);
  return ksComplement(lengths(real), lengths(synthetic));
}

/** KS complement of a statistic of each sequence (StatisticMSAS); empty sequences have none. */
export function sequenceStatisticSimilarity(
  real: Sequences,
  synthetic: Sequences,
  statistic: 'mean' | 'median' | 'std' | 'min' | 'max',
): number {
  const of = (sequences: Sequences): Float64Array =>
    Float64Array.from(sequences, (values) =>
      values.length === 0 ? Number.NaN : STATISTICS[statistic](values),
    );
  return ksComplement(of(real), of(synthetic));
}

/** KS complement of the mean difference, per sequence, between values that are `lag` places apart (InterRowMSAS). */
export function interRowSimilarity(real: Sequences, synthetic: Sequences, lag = 1): number {
  const of = (sequences: Sequences): Float64Array =>
    Float64Array.from(sequences, (values) => {
      const differences = values.slice(lag).map((value, i) => value - (values[i] as number));
      return differences.length === 0 ? Number.NaN : mean(differences);
    });
  return ksComplement(of(real), of(synthetic));
}

const STATISTICS = {
  mean,
  median(values: readonly number[]): number {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
  },
  /** Of the sample; NaN for a single value. */
  std(values: readonly number[]): number {
    const centre = mean(values);
    return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) * (x - centre), 0) / (values.length - 1));
  },
  min: (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b)),
  max: (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b)),
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
