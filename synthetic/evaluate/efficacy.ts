/** What a synthetic table teaches: train on synthetic, test on real (TSTR), beside train on real, test on real (TRTR). */
import { createRandomSource } from '../prng.ts';
import { columnOf, selectRows, stackTables, type Table } from '../table.ts';
import { fitBoosting } from './boosting.ts';
import { areaInterval, areaUnderRoc, averagePrecision, brierScore, type Interval } from './curve.ts';
import { shuffledPlaces } from './reference.ts';

export interface Target {
  column: string;
  /** The word that counts as 1. */
  positive: string;
}

/** On the real hold-out. */
export interface Efficacy {
  auc: Interval;
  averagePrecision: number;
  brier: number;
}

/** A model trained on `train` and judged on `holdout`. A table with one class teaches nothing: AUC 0.5. */
export function efficacy(train: Table, holdout: Table, target: Target): Efficacy {
  const labels = targetLabels(holdout, target);
  const known = keepLabelled(train, target.column);
  const probabilities = fitBoosting(known, targetLabels(known, target), [target.column])(holdout);
  return {
    auc: areaInterval(probabilities, labels),
    averagePrecision: averagePrecision(probabilities, labels),
    brier: brierScore(probabilities, labels),
  };
}

/** 1 for the positive word, 0 for every other value. @throws RangeError where the column has no words */
export function targetLabels(table: Table, { column, positive }: Target): Uint8Array {
  const found = columnOf(table, column);
  if (found.kind !== 'category') throw new RangeError(`${column} is no category and so no target`);
  const code = found.words.indexOf(positive);
  return Uint8Array.from(found.codes, (value) => Number(code >= 0 && value === code));
}

function keepLabelled(table: Table, column: string): Table {
  const found = columnOf(table, column);
  if (found.kind !== 'category' || !found.codes.includes(-1)) return table;
  return selectRows(
    table,
    [...found.codes.keys()].filter((row) => (found.codes[row] as number) >= 0),
  );
}

const FOLDS = 3;

/**
 * How hard synthetic rows are to tell from real ones: 1 - mean over three folds of 2 max(0.5, AUC) - 1, SDMetrics's detection score, with
 * boosted trees as the judge, which see more than its logistic regression. Equally many rows of both are used.
 */
export function detectionScore(real: Table, synthetic: Table, seed: number): number {
  const random = createRandomSource(seed);
  const size = Math.min(real.rows, synthetic.rows);
  const pick = (table: Table, field: string): Table =>
    selectRows(table, shuffledPlaces(random.stream(0, field), table.rows).subarray(0, size));
  const both = stackTables(pick(real, 'detect-real'), pick(synthetic, 'detect-synthetic'));
  const labels = Uint8Array.from({ length: both.rows }, (_, row) => Number(row >= size));
  let lost = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    // Both halves are in random order, so every third row is a stratified fold.
    const rows = Array.from({ length: both.rows }, (_, row) => row);
    const inside = rows.filter((row) => row % FOLDS === fold);
    const outside = rows.filter((row) => row % FOLDS !== fold);
    const labelsOf = (places: number[]): Uint8Array =>
      Uint8Array.from(places, (row) => labels[row] as number);
    const model = fitBoosting(selectRows(both, outside), labelsOf(outside), []);
    lost += 2 * Math.max(0.5, areaUnderRoc(model(selectRows(both, inside)), labelsOf(inside))) - 1;
  }
  return 1 - lost / FOLDS;
}
