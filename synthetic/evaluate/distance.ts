/**
 * How close synthetic rows come to real ones. The distance is SDMetrics's (Gower's): the mean over the columns of min(|difference| /
 * range of the reference, 1) for numbers and dates, 0 or 1 for categories; a missing value differs from every value and equals another
 * missing one.
 */
import { integer, uniform } from '../distributions.ts';
import { createRandomSource } from '../prng.ts';
import { columnOf, type Column, type Table } from '../table.ts';
import { areaInterval, shareInterval, type Interval } from './curve.ts';
import { alignCategories, presentValues } from './marginal.ts';

/** Row by row, column by column; categories are their codes. */
interface Encoded {
  rows: number;
  cells: Float64Array;
}

/** The distance of each row to the closest row of the reference; Infinity where that has none. */
export function closestDistances(table: Table, reference: Table): Float64Array {
  const { width, numeric, rows, against } = encode(table, reference);
  return Float64Array.from({ length: rows.rows }, (_, row) => {
    let best = Infinity;
    for (let other = 0; other < against.rows && best > 0; other++) {
      let sum = 0;
      for (let column = 0; column < width && sum < best; column++) {
        const a = rows.cells[row * width + column] as number;
        const b = against.cells[other * width + column] as number;
        if (a === b) continue;
        if (numeric[column] === 1) {
          const difference = Math.abs(a - b);
          // NaN, one of the two missing, counts as 1.
          sum += difference < 1 ? difference : Number.isNaN(a) && Number.isNaN(b) ? 0 : 1;
        } else sum += 1;
      }
      if (sum < best) best = sum;
    }
    return width === 0 ? 0 : best / width;
  });
}

/** Numbers in units of the reference's range, so that a difference is what it adds. */
function encode(
  table: Table,
  reference: Table,
): { width: number; numeric: Uint8Array; rows: Encoded; against: Encoded } {
  const width = reference.columns.length;
  const rows = { rows: table.rows, cells: new Float64Array(table.rows * width) };
  const against = { rows: reference.rows, cells: new Float64Array(reference.rows * width) };
  const fill = (into: Encoded, column: number, values: ArrayLike<number>): void => {
    for (let row = 0; row < into.rows; row++) into.cells[row * width + column] = values[row] as number;
  };
  const numeric = Uint8Array.from(reference.columns, (column) => Number(column.kind !== 'category'));
  for (const [i, column] of reference.columns.entries()) {
    const [known, made] = sameScale(column, columnOf(table, column.name));
    fill(against, i, known);
    fill(rows, i, made);
  }
  return { width, numeric, rows, against };
}

function sameScale(reference: Column, column: Column): [ArrayLike<number>, ArrayLike<number>] {
  if (reference.kind === 'category' && column.kind === 'category') {
    const [a, b] = alignCategories(reference, column);
    return [a.codes, b.codes];
  }
  if (reference.kind === 'category' || column.kind === 'category')
    throw new RangeError(`${column.name} is of another kind in the other table`);
  const present = presentValues(reference.values);
  const range = (present.at(-1) as number) - (present[0] as number);
  if (!(range > 0)) return constantScale(reference.values, column.values);
  const scaled = (values: Float64Array): Float64Array => values.map((value) => value / range);
  return [scaled(reference.values), scaled(column.values)];
}

/** A range of 0: 0 for the reference's only value, 2 for every other, which counts as 1. */
function constantScale(reference: Float64Array, values: Float64Array): [Float64Array, Float64Array] {
  const only = presentValues(reference)[0];
  const scaled = (column: Float64Array): Float64Array =>
    column.map((value) => (Number.isNaN(value) ? value : value === only ? 0 : 2));
  return [scaled(reference), scaled(values)];
}

export interface Closeness {
  /** Share of synthetic rows closer to the training data than to a hold-out of the same size, ties half: 0.5 for no copying. */
  closerToTrain: Interval;
  /** SDMetrics's DCROverfittingProtection: min(1, 2 (1 - share strictly closer to the training data)). */
  overfittingProtection: number;
  /** SDMetrics's DCRBaselineProtection: min(1, median distance of synthetic rows / median distance of random rows). */
  baselineProtection: number;
  /**
   * Area under the curve of an attack that calls the records closest to the synthetic data members of the training set, on equally
   * many members and others: 0.5 for no membership leak that this attack finds.
   */
  membership: Interval;
}

/** `train` and `holdout` have the same number of rows, or the shares are biased. @throws RangeError where they have not */
export function closeness(synthetic: Table, train: Table, holdout: Table, seed: number): Closeness {
  if (train.rows !== holdout.rows)
    throw new RangeError(`${train.rows} rows of training data beside ${holdout.rows} of hold-out`);
  const toTrain = closestDistances(synthetic, train);
  const toHoldout = closestDistances(synthetic, holdout);
  let [closer, ties] = [0, 0];
  for (const [row, distance] of toTrain.entries()) {
    if (distance < (toHoldout[row] as number)) closer++;
    if (distance === toHoldout[row]) ties++;
  }
  const random = closestDistances(randomRows(train, synthetic.rows, seed), train);
  const reach = [...closestDistances(train, synthetic), ...closestDistances(holdout, synthetic)];
  return {
    closerToTrain: shareInterval(closer + ties / 2, synthetic.rows),
    overfittingProtection: Math.min(1, 2 * (1 - closer / synthetic.rows)),
    baselineProtection: Math.min(1, median(toTrain) / median(random)),
    membership: areaInterval(
      reach.map((distance) => -distance),
      reach.map((_, i) => Number(i < train.rows)),
    ),
  };
}

/** Rows drawn evenly from the range or the words of each column. */
export function randomRows(table: Table, rows: number, seed: number): Table {
  const random = createRandomSource(seed);
  const columns = table.columns.map((column, place): Column => {
    const stream = random.stream(place, 'random-rows');
    if (column.kind === 'category') {
      const last = column.words.length - 1;
      return {
        ...column,
        codes: Int32Array.from({ length: rows }, () => (last < 0 ? -1 : integer(stream, 0, last))),
      };
    }
    const present = presentValues(column.values);
    const [low, high] = [present[0] ?? Number.NaN, present.at(-1) ?? Number.NaN];
    return {
      ...column,
      values: Float64Array.from({ length: rows }, () => low + (high - low) * uniform(stream)),
    };
  });
  return { rows, columns };
}

function median(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
