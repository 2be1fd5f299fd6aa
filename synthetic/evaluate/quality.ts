/**
 * The SDMetrics quality report, with real-data bin edges: column shapes and pair trends. Never to be read alone: columns that are
 * shuffled independently score 0.979 on bank marketing and predict nothing. `evaluate` prints it beside that line.
 */
import { columnOf, type Table } from '../table.ts';
import { missingSimilarity, shapeScore } from './marginal.ts';
import { commonCodes, contingencyOfCodes, correlationSimilarity } from './pair.ts';

export interface QualityReport {
  /** Mean of `shapes` and `trends`, each the mean of its defined scores. */
  score: number;
  shapes: number;
  trends: number;
  columns: readonly { name: string; shape: number; missing: number }[];
  pairs: readonly { a: string; b: string; score: number }[];
}

/** Of the columns of the real table. @throws RangeError where the synthetic table lacks one or has it as another kind */
export function qualityReport(real: Table, synthetic: Table): QualityReport {
  const both = real.columns.map((column) => {
    const made = columnOf(synthetic, column.name);
    return { real: column, made, codes: commonCodes(column, made) };
  });
  const columns = both.map(({ real: column, made }) => ({
    name: column.name,
    shape: shapeScore(column, made),
    missing: missingSimilarity(column, made),
  }));
  const pairs = both.flatMap((a, i) =>
    both.slice(i + 1).map((b) => ({ a: a.real.name, b: b.real.name, score: pairScore(a, b) })),
  );
  const shapes = definedMean(columns.map(({ shape }) => shape));
  const trends = definedMean(pairs.map(({ score }) => score));
  return { score: definedMean([shapes, trends]), shapes, trends, columns, pairs };
}

type Both = {
  real: Table['columns'][number];
  made: Table['columns'][number];
  codes: [Int32Array, Int32Array];
};

/** Correlation of two numbers or dates, contingency of everything else. */
function pairScore(a: Both, b: Both): number {
  if (a.real.kind !== 'category' && b.real.kind !== 'category') {
    const [madeA, madeB] = [a.made, b.made];
    if (madeA.kind !== 'category' && madeB.kind !== 'category')
      return correlationSimilarity([a.real, b.real], [madeA, madeB]);
  }
  return contingencyOfCodes([a.codes[0], b.codes[0]], [a.codes[1], b.codes[1]]);
}

/** Of those that are not NaN; NaN where none is. */
export function definedMean(scores: readonly number[]): number {
  const defined = scores.filter((score) => !Number.isNaN(score));
  return defined.length === 0 ? Number.NaN : defined.reduce((sum, x) => sum + x, 0) / defined.length;
}
