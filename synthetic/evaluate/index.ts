/**
 * The entry `@twinkeep/synthetic/evaluate`: is a synthetic table like the real one, does it teach the same, and whom does it give away?
 * Pure functions of tables; runs anywhere.
 */
import { columnOf, type Table } from '../table.ts';
import type { Interval } from './curve.ts';
import { disclosureProtection, newRows, type Disclosure } from './disclosure.ts';
import { closeness, type Closeness } from './distance.ts';
import { detectionScore, efficacy, type Efficacy, type Target } from './efficacy.ts';
import {
  boundaryAdherence,
  categoryAdherence,
  categoryCoverage,
  missingSimilarity,
  rangeCoverage,
  shapeScore,
} from './marginal.ts';
import { qualityReport, type QualityReport } from './quality.ts';
import { sampleRows, shuffleColumns } from './reference.ts';

export interface EvaluationInput {
  /** What the synthesizer was fitted on. */
  train: Table;
  /** Real rows that it never saw. */
  holdout: Table;
  synthetic: Table;
  target?: Target;
  /** Attacker's knowledge and aim, for the disclosure figure. */
  disclosure?: { known: readonly string[]; sensitive: string };
  /** Of the shuffles and samples; same seed, same figures. */
  seed: number;
  /** Rows of each table that the figures over pairs of rows use, at most. Default 2,000. */
  privacyRows?: number;
}

/** One figure of the synthetic table between its two reference lines. */
export interface Lines {
  synthetic: number;
  /** Of the training data with every column shuffled: right columns, no dependence. */
  shuffled: number;
  /** Of the real hold-out. */
  real: number;
}

export interface ColumnFigures {
  name: string;
  shape: number;
  missing: number;
  /** Of real categories, or of the real range. */
  coverage: number;
  /** To real categories, or to the real range. */
  adherence: number;
}

export interface Evaluation {
  rows: { train: number; holdout: number; synthetic: number };
  quality: QualityReport;
  score: Lines;
  trends: Lines;
  columns: readonly ColumnFigures[];
  /** Null without a target. `ratio` = AUC of synthetic over AUC of real. */
  efficacy: { synthetic: Efficacy; shuffled: Efficacy; real: Efficacy; ratio: number } | null;
  /** 1 = not to be told from real rows; the real line compares two real halves. */
  detection: Lines;
  privacy: Closeness & { newRows: Interval; disclosure: Disclosure | null; rows: number };
}

/** All three tables have the same columns. @throws RangeError where they have not */
export function evaluate(input: EvaluationInput): Evaluation {
  const { train, holdout, synthetic, target, disclosure, seed, privacyRows = 2_000 } = input;
  const shuffled = shuffleColumns(train, seed);
  const quality = qualityReport(train, synthetic);
  const low = qualityReport(train, shuffled);
  const high = qualityReport(train, holdout);
  const size = Math.min(privacyRows, train.rows, holdout.rows);
  const sampled = (table: Table): Table => sampleRows(table, size, seed);
  return {
    rows: { train: train.rows, holdout: holdout.rows, synthetic: synthetic.rows },
    quality,
    score: { synthetic: quality.score, shuffled: low.score, real: high.score },
    trends: { synthetic: quality.trends, shuffled: low.trends, real: high.trends },
    columns: columnFigures(train, synthetic),
    efficacy: target === undefined ? null : efficacies(train, shuffled, synthetic, holdout, target),
    detection: {
      synthetic: detectionScore(holdout, synthetic, seed),
      shuffled: detectionScore(holdout, shuffled, seed),
      real: detectionScore(holdout, train, seed),
    },
    privacy: {
      rows: size,
      ...closeness(sampled(synthetic), sampled(train), sampled(holdout), seed),
      newRows: newRows(train, synthetic),
      disclosure:
        disclosure === undefined
          ? null
          : disclosureProtection(train, synthetic, disclosure.known, disclosure.sensitive),
    },
  };
}

function columnFigures(real: Table, synthetic: Table): ColumnFigures[] {
  return real.columns.map((column) => {
    const made = columnOf(synthetic, column.name);
    const common = {
      name: column.name,
      shape: shapeScore(column, made),
      missing: missingSimilarity(column, made),
    };
    if (column.kind === 'category' && made.kind === 'category')
      return {
        ...common,
        coverage: categoryCoverage(column, made),
        adherence: categoryAdherence(column, made),
      };
    if (column.kind === 'category' || made.kind === 'category')
      throw new RangeError(`${column.name} is of another kind in the synthetic table`);
    return {
      ...common,
      coverage: rangeCoverage(column.values, made.values),
      adherence: boundaryAdherence(column.values, made.values),
    };
  });
}

function efficacies(
  train: Table,
  shuffled: Table,
  synthetic: Table,
  holdout: Table,
  target: Target,
): NonNullable<Evaluation['efficacy']> {
  const real = efficacy(train, holdout, target);
  const made = efficacy(synthetic, holdout, target);
  return {
    synthetic: made,
    shuffled: efficacy(shuffled, holdout, target),
    real,
    ratio: made.auc.value / real.auc.value,
  };
}

export {
  cellsToColumn,
  columnOf,
  createTable,
  selectRows,
  type CategoryColumn,
  type Cell,
  type Column,
  type NumberColumn,
  type Table,
} from '../table.ts';
export { fitBoosting, type Classifier } from './boosting.ts';
export {
  areaInterval,
  areaUnderRoc,
  averagePrecision,
  brierScore,
  meanInterval,
  shareInterval,
  type Interval,
} from './curve.ts';
export { disclosureProtection, newRows, type Disclosure } from './disclosure.ts';
export { closeness, closestDistances, type Closeness } from './distance.ts';
export { detectionScore, efficacy, type Efficacy, type Target } from './efficacy.ts';
export {
  boundaryAdherence,
  categoryAdherence,
  categoryCoverage,
  ksComplement,
  missingSimilarity,
  rangeCoverage,
  statisticSimilarity,
  tvComplement,
} from './marginal.ts';
export { contingencySimilarity, correlation, correlationSimilarity } from './pair.ts';
export { qualityReport, type QualityReport } from './quality.ts';
export { sampleRows, shuffleColumns } from './reference.ts';
export {
  interRowSimilarity,
  sequenceLengthSimilarity,
  sequenceStatisticSimilarity,
  type Sequences,
} from './sequence.ts';
