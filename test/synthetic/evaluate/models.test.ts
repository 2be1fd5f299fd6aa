import {
  areaInterval,
  areaUnderRoc,
  averagePrecision,
  brierScore,
  cellsToColumn,
  createTable,
  detectionScore,
  efficacy,
  fitBoosting,
  meanInterval,
  selectRows,
  shareInterval,
  shuffleColumns,
  type Table,
} from '@twinkeep/synthetic/evaluate';
import { createRandomSource, normal, uniform } from '@twinkeep/synthetic/random';
import { describe, expect, it } from 'vitest';
import { areaUnderCurve } from '../support/logistic.ts';

describe('curves', () => {
  const scores = [0.1, 0.4, 0.35, 0.8];
  const labels = [0, 0, 1, 1];

  it('by hand', () => {
    // Of the four pairs only (0.4, 0.35) is wrong.
    expect(areaUnderRoc(scores, labels)).toBe(0.75);
    expect(areaUnderRoc([1, 1, 1], [0, 1, 1])).toBe(0.5);
    // 1 at the first 1, 2/3 at the second: scikit-learn's example, 0.8333.
    expect(averagePrecision(scores, labels)).toBeCloseTo(5 / 6, 12);
    expect(averagePrecision([1, 1], [0, 1])).toBe(0.5);
    expect(brierScore([0.1, 0.9], [0, 1])).toBeCloseTo(0.01, 12);
    expect(areaUnderRoc([3, 1], [1, 1])).toBe(0.5);
    expect(averagePrecision([3, 1], [0, 0])).toBeNaN();
  });

  it('intervals, against published values', () => {
    // Wilson, 8 of 10: 0.4901625 to 0.9433178.
    const { low, high } = shareInterval(8, 10);
    expect([low, high].map((x) => Math.round(x * 1e6) / 1e6)).toEqual([0.490162, 0.943318]);
    expect(shareInterval(0, 10).low).toBe(0);
    expect(shareInterval(0, 0)).toEqual({ value: Number.NaN, low: 0, high: 1 });
    const mean = meanInterval([1, 2, 3, 4]);
    expect(mean.value).toBe(2.5);
    expect(mean.high - 2.5).toBeCloseTo((1.959964 * Math.sqrt(5 / 3)) / 2, 6);
  });

  it('the interval of an area covers the true one 95 % of the time', () => {
    const random = createRandomSource(3);
    // Normals one apart: the true area is Phi(1 / sqrt 2) = 0.76025.
    let covered = 0;
    for (let trial = 0; trial < 400; trial++) {
      const made = Array.from(
        { length: 120 },
        (_, i) => normal(random.stream(trial, 'x', i)) + (i % 3 === 0 ? 1 : 0),
      );
      const { low, high } = areaInterval(
        made,
        made.map((_, i) => Number(i % 3 === 0)),
      );
      covered += Number(low <= 0.76025 && 0.76025 <= high);
    }
    expect(covered / 400).toBeGreaterThan(0.91);
    expect(covered / 400).toBeLessThan(0.99);
  });

  it('the area agrees with counting pairs', () => {
    const random = createRandomSource(4);
    const made = Array.from({ length: 300 }, (_, i) => Math.round(10 * uniform(random.stream(i, 'x'))));
    const truth = made.map((x, i) => Number(x + 10 * uniform(random.stream(i, 'y')) > 11));
    expect(areaUnderRoc(made, truth)).toBeCloseTo(areaUnderCurve(made, truth), 12);
  });
});

/** y depends on x by a bump, on a word, and on both together; the rest is noise. Returns the true probabilities too. */
function world(rows: number, seed: number): { table: Table; chances: number[] } {
  const random = createRandomSource(seed);
  const cells = Array.from({ length: rows }, (_, i) => {
    const stream = random.stream(i, 'row');
    const x = normal(stream);
    const kind = ['a', 'b', 'c', 'd'][Math.floor(4 * uniform(stream))]!;
    const missing = uniform(stream) < 0.08;
    const logit =
      -1 + (Math.abs(x) < 0.7 ? 2 : -0.5) + (kind === 'c' ? 1.5 : 0) + (kind === 'a' && x > 0 ? 1 : 0);
    const chance = 1 / (1 + Math.exp(-logit));
    return {
      x: missing ? null : x,
      kind,
      noise: uniform(stream),
      chance,
      y: uniform(stream) < chance ? 'yes' : 'no',
    };
  });
  const column = (name: 'x' | 'noise'): (number | null)[] => cells.map((row) => row[name]);
  const table = createTable([
    cellsToColumn('x', 'number', column('x')),
    cellsToColumn(
      'kind',
      'category',
      cells.map(({ kind }) => kind),
    ),
    cellsToColumn('noise', 'number', column('noise')),
    cellsToColumn(
      'y',
      'category',
      cells.map(({ y }) => y),
    ),
  ]);
  return { table, chances: cells.map(({ chance }) => chance) };
}

const target = { column: 'y', positive: 'yes' };

describe('boosted trees', () => {
  const train = world(4_000, 1).table;
  const holdout = world(3_000, 2);

  it('find a bump, words and an interaction: nearly the best possible area, and calibrated', () => {
    const real = efficacy(train, holdout.table, target);
    const y = holdout.table.columns[3]!;
    const labels =
      y.kind === 'category' ? Array.from(y.codes, (code) => Number(y.words[code] === 'yes')) : [];
    // Some of x is missing, so the true chances know more than any model may.
    const best = areaUnderRoc(holdout.chances, labels);
    expect(real.auc.value).toBeGreaterThan(best - 0.05);
    expect(real.auc.low).toBeLessThan(real.auc.value);
    expect(real.brier).toBeLessThan(0.21);
    expect(real.averagePrecision).toBeGreaterThan(0.6);
  });

  it('learn nothing from shuffled columns, and not from the target itself', () => {
    const shuffled = efficacy(shuffleColumns(train, 1), holdout.table, target);
    expect(Math.abs(shuffled.auc.value - 0.5)).toBeLessThan(0.06);
    const leaked = fitBoosting(
      train,
      Uint8Array.from({ length: train.rows }, (_, i) => i % 2),
      ['y'],
    );
    const without = selectRows(train, [0, 1, 2]);
    expect(leaked({ rows: 3, columns: without.columns.filter(({ name }) => name !== 'y') })).toEqual(
      leaked(without),
    );
  });

  it('one class, no rows, unknown words, missing targets', () => {
    const y = train.columns[3]!;
    const onlyNo = selectRows(
      train,
      y.kind === 'category' ? [...y.codes.keys()].filter((row) => y.words[y.codes[row]!] === 'no') : [],
    );
    expect(efficacy(onlyNo, holdout.table, target).auc.value).toBe(0.5);
    expect(efficacy(selectRows(train, []), holdout.table, target).auc.value).toBe(0.5);
    const strange = createTable(
      train.columns.map((column) =>
        column.kind === 'category'
          ? cellsToColumn(column.name, 'category', ['never seen', null])
          : cellsToColumn(column.name, 'number', [null, 1e9]),
      ),
    );
    const model = fitBoosting(
      train,
      Uint8Array.from({ length: train.rows }, (_, i) => Number(i % 3 === 0)),
      ['y'],
    );
    for (const p of model(strange)) expect(p > 0 && p < 1).toBe(true);
    const unlabelled = createTable([
      ...train.columns.slice(0, 3),
      cellsToColumn(
        'y',
        'category',
        Array.from({ length: train.rows }, () => null),
      ),
    ]);
    expect(efficacy(unlabelled, holdout.table, target).auc.value).toBe(0.5);
    expect(() => efficacy(train, holdout.table, { column: 'x', positive: 'yes' })).toThrow(/no category/);
  });
});

describe('detection', () => {
  const real = world(2_000, 5).table;
  it('cannot tell real rows from real rows, nor a table from one of the same law', () => {
    expect(detectionScore(real, world(2_000, 6).table, 1)).toBeGreaterThan(0.9);
  });
  it('tells a table with a wrong column at once, and one without dependence', () => {
    const wrong = createTable([
      cellsToColumn(
        'x',
        'number',
        Array.from({ length: 2_000 }, (_, i) => i),
      ),
      ...world(2_000, 6).table.columns.slice(1),
    ]);
    expect(detectionScore(real, wrong, 1)).toBeLessThan(0.1);
    expect(detectionScore(real, shuffleColumns(real, 1), 1)).toBeLessThan(0.9);
  });
});
