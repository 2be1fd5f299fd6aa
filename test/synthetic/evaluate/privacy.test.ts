import {
  cellsToColumn,
  closeness,
  closestDistances,
  createTable,
  disclosureProtection,
  evaluate,
  newRows,
  selectRows,
  type Cell,
  type Table,
} from '@twinkeep/synthetic/evaluate';
import { createRandomSource, normal, uniform } from '@twinkeep/synthetic/random';
import { describe, expect, it } from 'vitest';

const people = (rows: [number | null, Cell][]): Table =>
  createTable([
    cellsToColumn(
      'x',
      'number',
      rows.map(([x]) => x),
    ),
    cellsToColumn(
      'k',
      'category',
      rows.map(([, k]) => k),
    ),
  ]);

function population(rows: number, seed: number): Table {
  const random = createRandomSource(seed);
  const cells = Array.from({ length: rows }, (_, i) => {
    const stream = random.stream(i, 'person');
    const x = normal(stream);
    return [
      x,
      x + normal(stream),
      x + 0.5 * normal(stream) > 0 ? 'high' : 'low',
      uniform(stream) < 0.3 ? 'p' : 'q',
    ] as const;
  });
  return createTable([
    cellsToColumn(
      'x',
      'number',
      cells.map(([x]) => x),
    ),
    cellsToColumn(
      'y',
      'number',
      cells.map(([, y]) => y),
    ),
    cellsToColumn(
      'level',
      'category',
      cells.map(([, , level]) => level),
    ),
    cellsToColumn(
      'kind',
      'category',
      cells.map(([, , , kind]) => kind),
    ),
  ]);
}

describe('distance to the closest record', () => {
  it('by hand: the mean over columns, ranges of the reference, missing values apart', () => {
    const reference = people([
      [0, 'a'],
      [10, 'b'],
    ]);
    const rows = people([
      [0, 'a'],
      [3, 'a'],
      [8, 'a'],
      [50, 'b'],
      [null, 'a'],
      [10, null],
    ]);
    expect([...closestDistances(rows, reference)]).toEqual([
      0,
      0.3 / 2,
      // 0.2 from 10 but of another kind: 0.6; 0.8 from 0: 0.4.
      0.8 / 2,
      // Further than the range counts as the whole range.
      1 / 2,
      1 / 2,
      1 / 2,
    ]);
    const missing = people([[null, null]]);
    expect([...closestDistances(missing, missing)]).toEqual([0]);
    expect([...closestDistances(people([[4, 'a']]), people([[5, 'a']]))]).toEqual([0.5]);
    expect([
      ...closestDistances(
        people([[5, 'a']]),
        people([
          [5, 'a'],
          [5, 'b'],
        ]),
      ),
    ]).toEqual([0]);
  });
});

describe('closeness', () => {
  const train = population(500, 1);
  const holdout = population(500, 2);

  it('of an honest table: half the rows closer to the training data, no membership to be told', () => {
    const figures = closeness(population(500, 3), train, holdout, 1);
    expect(figures.closerToTrain.low < 0.5 && figures.closerToTrain.high > 0.5).toBe(true);
    expect(figures.membership.low < 0.5 && figures.membership.high > 0.5).toBe(true);
    expect(figures.overfittingProtection).toBeGreaterThan(0.85);
    // Random rows are further from the training data than rows of the same law.
    expect(figures.baselineProtection).toBeLessThan(1);
    expect(figures.baselineProtection).toBeGreaterThan(0);
  });

  it('of a table that copies: every row closest to the training data, members known', () => {
    const figures = closeness(train, train, holdout, 1);
    expect(figures.closerToTrain.value).toBeGreaterThan(0.99);
    expect(figures.overfittingProtection).toBeLessThan(0.02);
    expect(figures.baselineProtection).toBe(0);
    expect(figures.membership.value).toBeGreaterThan(0.99);
  });

  it('of a table that copies a tenth is told apart, and ties count half', () => {
    const part = selectRows(
      train,
      Array.from({ length: 50 }, (_, i) => i),
    );
    const mixed = closeness(
      selectRows(
        population(1_000, 3),
        Array.from({ length: 450 }, (_, i) => i),
      ),
      train,
      holdout,
      1,
    );
    expect(closeness(part, train, holdout, 1).closerToTrain.value).toBe(1);
    expect(mixed.closerToTrain.value).toBeLessThan(0.6);
    expect(closeness(holdout, train, train, 1).closerToTrain.value).toBe(0.5);
    expect(closeness(holdout, train, train, 1).overfittingProtection).toBe(1);
    expect(() => closeness(part, train, part, 1)).toThrow(RangeError);
  });
});

describe('disclosure', () => {
  const table = (rows: [string, string][]): Table =>
    createTable([
      cellsToColumn(
        'key',
        'category',
        rows.map(([key]) => key),
      ),
      cellsToColumn(
        'secret',
        'category',
        rows.map(([, secret]) => secret),
      ),
    ]);

  it('by hand', () => {
    const real = table([
      ['a', '1'],
      ['a', '2'],
      ['b', '2'],
      ['c', '1'],
    ]);
    const made = table([
      ['a', '1'],
      ['a', '1'],
      ['a', '2'],
      ['b', '1'],
    ]);
    // a-1: 1 - 2/3; a-2: 1 - 1/3; b-2: 1 - 0; c has no match. Mean 2/3, over 1 - 1/2: more than 1.
    const { protection, matched } = disclosureProtection(real, made, ['key'], 'secret');
    expect([protection.value, matched]).toEqual([1, 3]);
    // Copied, b is found out and a half: mean of 1/2, 1/2, 0, 0 over 1/2.
    const copied = disclosureProtection(real, real, ['key'], 'secret');
    expect(copied.protection.value).toBeCloseTo(0.5, 12);
    expect(copied.protection.low).toBeLessThan(0.5);
    expect(disclosureProtection(real, table([['z', '1']]), ['key'], 'secret').protection.value).toBeNaN();
    const single = table([['a', '1']]);
    expect(disclosureProtection(single, single, ['key'], 'secret').protection.value).toBe(1);
  });
});

describe('new rows', () => {
  it('by hand: equal words and numbers within one per cent of the synthetic ones', () => {
    const real = people([
      [100, 'a'],
      [0, 'b'],
      [null, 'c'],
    ]);
    const made = people([
      [100.9, 'a'],
      [102, 'a'],
      [100, 'b'],
      [0, 'b'],
      [1e-9, 'b'],
      [null, 'c'],
      [5, 'c'],
      [100, 'new'],
    ]);
    expect(newRows(real, made).value).toBe(5 / 8);
  });
});

describe('the whole evaluation', () => {
  it('stands between its reference lines, the same for the same seed', () => {
    const [train, holdout] = [population(800, 11), population(800, 12)];
    const input = {
      train,
      holdout,
      synthetic: population(900, 13),
      target: { column: 'level', positive: 'high' },
      disclosure: { known: ['level', 'kind'], sensitive: 'y' },
      seed: 5,
      privacyRows: 300,
    };
    const figures = evaluate(input);
    expect(figures.rows).toEqual({ train: 800, holdout: 800, synthetic: 900 });
    expect(figures.score.synthetic).toBeGreaterThan(figures.score.shuffled + 0.02);
    expect(Math.abs(figures.score.synthetic - figures.score.real)).toBeLessThan(0.03);
    expect(figures.trends.shuffled).toBeLessThan(figures.trends.real - 0.05);
    expect(figures.efficacy!.ratio).toBeGreaterThan(0.95);
    expect(Math.abs(figures.efficacy!.shuffled.auc.value - 0.5)).toBeLessThan(0.1);
    expect(figures.detection.synthetic).toBeGreaterThan(figures.detection.shuffled);
    expect(figures.privacy.rows).toBe(300);
    expect(figures.privacy.newRows.value).toBeGreaterThan(0.9);
    expect(figures.privacy.disclosure!.matched).toBe(800);
    expect(figures.columns.map(({ name }) => name)).toEqual(['x', 'y', 'level', 'kind']);
    expect(evaluate(input)).toEqual(figures);
    const { target: _, disclosure: __, ...bare } = input;
    expect(evaluate(bare).efficacy).toBeNull();
    expect(evaluate(bare).privacy.disclosure).toBeNull();
  });
});
