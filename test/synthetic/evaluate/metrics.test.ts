import {
  boundaryAdherence,
  categoryAdherence,
  categoryCoverage,
  cellsToColumn,
  contingencySimilarity,
  correlationSimilarity,
  createTable,
  interRowSimilarity,
  ksComplement,
  missingSimilarity,
  qualityReport,
  rangeCoverage,
  sequenceLengthSimilarity,
  sequenceStatisticSimilarity,
  shuffleColumns,
  statisticSimilarity,
  tvComplement,
  type CategoryColumn,
  type Cell,
  type NumberColumn,
} from '@twinkeep/synthetic/evaluate';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const numbers = (...values: number[]): Float64Array => Float64Array.from(values);
const words = (...cells: Cell[]): CategoryColumn => cellsToColumn('c', 'category', cells) as CategoryColumn;
const column = (...cells: Cell[]): NumberColumn => cellsToColumn('n', 'number', cells) as NumberColumn;
const nothing = Number.NaN;

describe('one column', () => {
  it('Kolmogorov-Smirnov, by hand', () => {
    // F_r jumps by 1/4 at 1, 2, 3, 4; F_s by 1/2 at 3 and 5: the largest gap is 1/2, just below 3 and again from 4 to 5.
    expect(ksComplement(numbers(1, 2, 3, 4), numbers(3, 5))).toBe(0.5);
    expect(ksComplement(numbers(4, 2, nothing, 3, 1), numbers(5, nothing, 3))).toBe(0.5);
    expect(ksComplement(numbers(1, 1, 2), numbers(2, 1, 1))).toBe(1);
    // Ties: at 1 all of S but half of R.
    expect(ksComplement(numbers(1, 2), numbers(1, 1))).toBe(0.5);
  });

  it('total variation, by hand', () => {
    // R: a 1/2, b 1/4, c 1/4. S: a 1/4, b 1/2, d 1/4. Half of 1/4 + 1/4 + 1/4 + 1/4.
    expect(tvComplement(words('a', 'a', 'b', 'c'), words('b', 'd', 'a', 'b'))).toBe(0.5);
    expect(tvComplement(words('a', null, 'b', 'a', 'c'), words('b', 'd', null, 'a', 'b'))).toBe(0.5);
  });

  it('coverage and adherence, by hand', () => {
    expect(categoryCoverage(words('a', 'b', 'c', 'c'), words('c', 'x', 'a'))).toBe(2 / 3);
    expect(categoryAdherence(words('a', 'b', 'c', 'c'), words('c', 'x', 'a', 'a'))).toBe(0.75);
    // 2 of 10 missed below, 3 above.
    expect(rangeCoverage(numbers(0, 4, 10), numbers(2, 7))).toBe(0.5);
    expect(rangeCoverage(numbers(0, 10), numbers(-5, 15))).toBe(1);
    expect(rangeCoverage(numbers(0, 10), numbers(100, 200))).toBe(0);
    expect(boundaryAdherence(numbers(0, 4, 10), numbers(-1, 0, 10, 11, nothing))).toBe(0.5);
  });

  it('missing shares and statistics, by hand', () => {
    expect(missingSimilarity(column(1, null, 2, null), column(1, 2, 3, null))).toBe(0.75);
    expect(missingSimilarity(words(null, 'a'), words('a', 'b'))).toBe(0.5);
    expect(statisticSimilarity(numbers(0, 10, 5), numbers(6, 8, 10), 'mean')).toBeCloseTo(0.7, 12);
    expect(statisticSimilarity(numbers(0, 10, 4), numbers(6, 8), 'median')).toBeCloseTo(0.7, 12);
    // Standard deviations 5 and 1 over a range of 10.
    expect(statisticSimilarity(numbers(0, 5, 10), numbers(4, 5, 6), 'std')).toBeCloseTo(0.6, 12);
  });

  it('constant, empty and one-sided columns', () => {
    expect(ksComplement(numbers(7, 7), numbers(7))).toBe(1);
    expect(ksComplement(numbers(7, 7), numbers(8))).toBe(0);
    expect(rangeCoverage(numbers(7, 7), numbers(7))).toBeNaN();
    expect(statisticSimilarity(numbers(7, 7), numbers(7), 'mean')).toBeNaN();
    expect(ksComplement(numbers(nothing), numbers(nothing, nothing))).toBeNaN();
    expect(tvComplement(words(null), words(null, null))).toBeNaN();
    // Where only one table has values, all of them are wrong.
    expect(ksComplement(numbers(1, 2), numbers(nothing))).toBe(0);
    expect(ksComplement(numbers(nothing), numbers(1))).toBe(0);
    expect(tvComplement(words('a'), words(null))).toBe(0);
    expect(boundaryAdherence(numbers(1, 2), numbers(nothing))).toBe(0);
    expect(rangeCoverage(numbers(1, 2), numbers(nothing))).toBe(0);
    expect(categoryCoverage(words('a'), words(null))).toBe(0);
  });

  it('is 1 for a table beside itself and always within [0, 1]', () => {
    const cells = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(nothing)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(cells, cells, (a, b) => {
        const [real, made] = [Float64Array.from(a), Float64Array.from(b)];
        const score = ksComplement(real, made);
        if (!Number.isNaN(score)) expect(score >= 0 && score <= 1).toBe(true);
        expect(ksComplement(made, real)).toEqual(score);
        const self = ksComplement(real, real);
        if (!Number.isNaN(self)) expect(self).toBe(1);
      }),
    );
  });
});

describe('two columns', () => {
  it('correlation, by hand', () => {
    // rho = 1 against rho = -1, and against rho = 1/2.
    const up = [column(1, 2, 3), column(2, 4, 6)] as const;
    expect(correlationSimilarity(up, [column(1, 2, 3), column(3, 2, 1)])).toBeCloseTo(0, 12);
    expect(correlationSimilarity(up, [column(1, 2, 3), column(1, 3, 2)])).toBeCloseTo(0.75, 12);
    expect(correlationSimilarity([column(1, 2, 3, null), column(2, 4, 6, 9)], up)).toBeCloseTo(1, 12);
    const constant = [column(1, 1, 1), column(2, 4, 6)] as const;
    expect(correlationSimilarity(constant, up)).toBeNaN();
    expect(correlationSimilarity(up, constant)).toBe(0);
    expect(correlationSimilarity([column(null), column(1)], up)).toBeNaN();
  });

  it('contingency, by hand; missing is a category', () => {
    // Cells R: ax 1/2, by 1/2. S: ax 1/4, ay 1/4, by 1/4, b? 1/4. Half of 1/4 + 1/4 + 1/4 + 1/4.
    expect(
      contingencySimilarity(
        [words('a', 'b'), words('x', 'y')],
        [words('a', 'a', 'b', 'b'), words('x', 'y', 'y', null)],
      ),
    ).toBe(0.5);
    expect(contingencySimilarity([words(), words()], [words(), words()])).toBeNaN();
    expect(contingencySimilarity([words('a'), words('x')], [words(), words()])).toBe(0);
  });

  it('numbers are binned at the edges of the real column, the outer bins open', () => {
    // Edges 1, 2, ..., 9: 0 and -100 share a bin, 9.5 and 1,000 another.
    const real = [column(0, 10), words('x', 'y')] as const;
    expect(contingencySimilarity(real, [column(-100, 1_000), words('x', 'y')])).toBe(1);
    expect(contingencySimilarity(real, [column(0, 8.9), words('x', 'y')])).toBe(0.5);
    // An edge belongs to the bin above it.
    expect(contingencySimilarity(real, [column(0, 9), words('x', 'y')])).toBe(1);
  });

  it('a column whose every value is wrong scores under 0.05, alone and beside every other column', () => {
    const n = 2_000;
    const base = Array.from({ length: n }, (_, i) => (i * 37) % 200);
    const kinds = base.map((x) => ['low', 'middle', 'high'][Math.floor(x / 70)]!);
    const real = createTable([cellsToColumn('x', 'number', base), cellsToColumn('kind', 'category', kinds)]);
    const wrong = createTable([
      cellsToColumn(
        'x',
        'number',
        base.map((x) => x * 10 + 4_000),
      ),
      cellsToColumn('kind', 'category', kinds),
    ]);
    const report = qualityReport(real, wrong);
    expect(report.columns[0]!.shape).toBeLessThan(0.05);
    // All rows in the uppermost bin, whose three kinds are a tenth of the real rows.
    expect(report.pairs[0]!.score).toBeLessThan(0.11);
    const relabelled = createTable([
      cellsToColumn('x', 'number', base),
      cellsToColumn(
        'kind',
        'category',
        kinds.map((kind) => `not ${kind}`),
      ),
    ]);
    const other = qualityReport(real, relabelled);
    expect(other.columns[1]!.shape).toBeLessThan(0.05);
    expect(other.pairs[0]!.score).toBeLessThan(0.05);
  });
});

describe('the quality report', () => {
  const real = createTable([
    cellsToColumn('a', 'number', [1, 2, 3, 4]),
    cellsToColumn('b', 'number', [2, 4, 6, 8]),
    cellsToColumn('c', 'category', ['x', 'x', 'y', 'y']),
  ]);

  it('is the mean of the means of columns and pairs, by hand', () => {
    const made = createTable([
      cellsToColumn('a', 'number', [1, 2, 3, 4]),
      cellsToColumn('b', 'number', [8, 6, 4, 2]),
      cellsToColumn('c', 'category', ['x', 'x', 'x', 'x']),
    ]);
    const report = qualityReport(real, made);
    expect(report.columns.map(({ shape }) => shape)).toEqual([1, 1, 0.5]);
    // a-b: 1 against -1. a-c: half the rows right. b-c: those with b = 2, 4 right.
    expect(report.pairs.map(({ score }) => Math.round(score * 1e9) / 1e9)).toEqual([0, 0.5, 0.5]);
    expect(report.shapes).toBeCloseTo(2.5 / 3, 12);
    expect(report.trends).toBeCloseTo(1 / 3, 12);
    expect(report.score).toBeCloseTo((2.5 / 3 + 1 / 3) / 2, 12);
  });

  it('leaves out what does not apply, and refuses tables that do not fit', () => {
    const constant = createTable([
      cellsToColumn('a', 'number', [1, 1]),
      cellsToColumn('b', 'number', [null, null]),
    ]);
    const report = qualityReport(constant, constant);
    expect([report.columns[0]!.shape, report.columns[1]!.shape]).toEqual([1, nothing]);
    expect(report.pairs[0]!.score).toBeNaN();
    expect([report.shapes, report.trends, report.score]).toEqual([1, nothing, 1]);
    expect(() => qualityReport(real, constant)).toThrow(/c/);
    const mixed = createTable(['a', 'b', 'c'].map((name) => cellsToColumn(name, 'category', ['1', '2'])));
    expect(() => qualityReport(real, mixed)).toThrow(RangeError);
  });

  it('gives shuffled columns their shapes and takes their trends', () => {
    const n = 3_000;
    const x = Array.from({ length: n }, (_, i) => (i * 7_919) % 101);
    const table = createTable([
      cellsToColumn('x', 'number', x),
      cellsToColumn('y', 'number', x),
      cellsToColumn(
        'z',
        'category',
        x.map((value) => (value > 50 ? 'high' : 'low')),
      ),
    ]);
    const report = qualityReport(table, shuffleColumns(table, 1));
    expect(report.shapes).toBe(1);
    for (const { score } of report.pairs) expect(Math.abs(score - 0.5)).toBeLessThan(0.05);
    expect(shuffleColumns(table, 1)).toEqual(shuffleColumns(table, 1));
    expect(shuffleColumns(table, 2)).not.toEqual(shuffleColumns(table, 1));
  });
});

describe('sequences', () => {
  it('lengths, statistics and steps, by hand', () => {
    const real = [[1, 2, 3], [4, 6], [5]];
    expect(sequenceLengthSimilarity(real, [[1, 1, 1], [2, 2], [3]])).toBe(1);
    expect(sequenceLengthSimilarity(real, [[], [], []])).toBe(0);
    // Means 2, 5, 5 against 5, 5, 5.
    expect(sequenceStatisticSimilarity(real, [[5], [5], [5]], 'mean')).toBeCloseTo(2 / 3, 12);
    expect(sequenceStatisticSimilarity(real, [[3], [6], [5]], 'max')).toBe(1);
    expect(sequenceStatisticSimilarity(real, [[1], [4], [9]], 'min')).toBeCloseTo(2 / 3, 12);
    // Mean steps 1 and 2 against 1 and 1; the single value has none.
    expect(
      interRowSimilarity(real, [
        [0, 1],
        [7, 8, 9],
      ]),
    ).toBe(0.5);
    expect(interRowSimilarity(real, [[9, 9, 11]], 2)).toBe(1);
    expect(interRowSimilarity([[1]], [[2]])).toBeNaN();
  });
});
