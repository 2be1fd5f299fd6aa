import { correlation, efficacy, qualityReport } from '@twinkeep/synthetic/evaluate';
import { createRandomSource, normal } from '@twinkeep/synthetic/random';
import {
  cellsToColumn,
  createTable,
  fitCopula,
  sample,
  SyntheticError,
  type CategoryColumn,
  type NumberColumn,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';
import { knownTable, label } from '../support/tables.ts';

const train = knownTable(4_000, 1);
const model = fitCopula(train);
const made = sample(model, { rows: 4_000, seed: 1 });

function mean(values: Iterable<number>): number {
  const known = [...values].filter((x) => !Number.isNaN(x));
  return known.reduce((sum, x) => sum + x, 0) / known.length;
}

describe('the Gaussian copula', () => {
  it('keeps every column as it is, atoms and missing values too, and most of the dependence', () => {
    const quality = qualityReport(train, made);
    for (const { shape, missing } of quality.columns) {
      expect(shape).toBeGreaterThan(0.955);
      expect(missing).toBeGreaterThan(0.98);
    }
    expect(quality.score).toBeGreaterThan(0.94);
    const [balance] = made.columns as [NumberColumn];
    expect(balance.values.filter((x) => x === 0).length / 4_000).toBeCloseTo(0.3, 1);
    for (const x of balance.values) expect(Math.abs(x * 100 - Math.round(x * 100))).toBeLessThan(1e-6);
    expect(efficacy(made, knownTable(3_000, 2), label).auc.value).toBeGreaterThan(0.65);
  });

  it('finds the correlation of normals again, also behind words and atoms', () => {
    const random = createRandomSource(4);
    const rho = 0.6;
    const pairs = Array.from({ length: 20_000 }, (_, i) => {
      const stream = random.stream(i, 'pair');
      const x = normal(stream);
      return [x, rho * x + Math.sqrt(1 - rho * rho) * normal(stream)] as const;
    });
    const table = createTable([
      cellsToColumn(
        'x',
        'number',
        pairs.map(([x]) => x),
      ),
      cellsToColumn(
        'y',
        'number',
        pairs.map(([, y]) => y),
      ),
      cellsToColumn(
        'rounded',
        'number',
        pairs.map(([, y]) => Math.max(0, Math.round(y))),
      ),
      cellsToColumn(
        'word',
        'category',
        pairs.map(([, y]) => (y < -0.2 ? 'low' : y < 0.7 ? 'middle' : 'high')),
      ),
    ]);
    const { correlations, marginals } = fitCopula(table);
    expect(correlations[0]![1]).toBeCloseTo(rho, 1);
    expect(Math.abs(correlations[0]![2]! - rho)).toBeLessThan(0.06);
    expect(marginals[3]).toMatchObject({ kind: 'category' });
    const [x, y] = sample(fitCopula(createTable(table.columns.slice(0, 2))), { rows: 20_000, seed: 2 })
      .columns as [NumberColumn, NumberColumn];
    expect(correlation(x.values, y.values)).toBeCloseTo(rho, 1);
  });

  it('is a plain file and draws the same rows for the same seed', () => {
    const again = JSON.parse(JSON.stringify(model)) as typeof model;
    expect(sample(again, { rows: 100, seed: 5 })).toEqual(sample(model, { rows: 100, seed: 5 }));
    expect(sample(model, { rows: 100, seed: 6 })).not.toEqual(sample(model, { rows: 100, seed: 5 }));
    expect(sample(model, { rows: 0, seed: 1 }).rows).toBe(0);
  });

  it('fits columns that say the same twice', () => {
    const [balance] = train.columns as [NumberColumn];
    const twice = createTable([balance, { ...balance, name: 'again' }]);
    const [a, b] = sample(fitCopula(twice), { rows: 1_000, seed: 1 }).columns as [NumberColumn, NumberColumn];
    expect(correlation(a.values, b.values)).toBeGreaterThan(0.93);
  });

  it('refuses a table without rows, and one that does not fit the schema', () => {
    expect(() => fitCopula(createTable([cellsToColumn('x', 'number', [])]))).toThrow(/no rows/);
    const schema = {
      columns: [{ kind: 'category', name: 'balance', words: ['a'] } as const].map((c) => ({
        ...c,
        words: [...c.words],
      })),
    };
    expect(() => fitCopula(train, schema)).toThrow(/column balance/);
    expect(() => fitCopula(train, { columns: [{ ...schema.columns[0]!, name: 'none' }] })).toThrow(
      /column none/,
    );
  });
});

describe('conditions', () => {
  it('one: holds in every row and moves what depends on it', () => {
    const leavers = sample(model, { rows: 3_000, seed: 3, where: { left: { is: 'yes' } } });
    const left = leavers.columns[5] as CategoryColumn;
    expect(new Set(Array.from(left.codes, (code) => left.words[code]))).toEqual(new Set(['yes']));
    const [, score] = leavers.columns as [NumberColumn, NumberColumn];
    const [, everybody] = made.columns as [NumberColumn, NumberColumn];
    expect(mean(score.values)).toBeGreaterThan(mean(everybody.values) + 0.3);
  });

  it('several: all hold; numbers, bounds, missing values', () => {
    const rows = sample(model, {
      rows: 400,
      seed: 4,
      where: {
        balance: { min: 60, max: 80 },
        left: { is: 'no' },
        score: { is: null },
        since: { is: 18_100 },
      },
    });
    const [balance, score, , , since, left] = rows.columns as [
      NumberColumn,
      NumberColumn,
      CategoryColumn,
      CategoryColumn,
      NumberColumn,
      CategoryColumn,
    ];
    for (const x of balance.values) expect(x >= 60 && x <= 80).toBe(true);
    expect(score.values.every(Number.isNaN)).toBe(true);
    expect(new Set(since.values)).toEqual(new Set([18_100]));
    expect(new Set(Array.from(left.codes, (code) => left.words[code]))).toEqual(new Set(['no']));
  });

  it('several: the rest follows them as in the normal', () => {
    const random = createRandomSource(8);
    const triples = Array.from({ length: 20_000 }, (_, i) => {
      const stream = random.stream(i, 'triple');
      const [a, b] = [normal(stream), normal(stream)];
      return [a, b, 0.5 * a + 0.5 * b + Math.sqrt(0.5) * normal(stream)] as const;
    });
    const table = createTable(
      ['a', 'b', 'c'].map((name, place) =>
        cellsToColumn(
          name,
          'number',
          triples.map((triple) => triple[place]!),
        ),
      ),
    );
    const rows = sample(fitCopula(table), {
      rows: 4_000,
      seed: 1,
      where: { a: { min: 1, max: 1.5 }, b: { min: -2, max: 0 } },
    });
    const same = triples.filter(([a, b]) => a >= 1 && a <= 1.5 && b >= -2 && b <= 0).map(([, , c]) => c);
    expect(Math.abs(mean((rows.columns[2] as NumberColumn).values) - mean(same))).toBeLessThan(0.08);
  });

  it.each([
    [{ plan: { is: 'gold' } }, /column plan/],
    [{ plan: { max: 1 } }, /no bounds/],
    [{ balance: { min: 5_000 } }, /column balance/],
    [{ balance: { is: null } }, /column balance/],
    [{ nowhere: { is: 1 } }, /column nowhere/],
  ])('%j can never hold', (where, message) => {
    expect(() => sample(model, { rows: 1, seed: 1, where })).toThrow(SyntheticError);
    expect(() => sample(model, { rows: 1, seed: 1, where })).toThrow(message);
  });
});
