import { efficacy, qualityReport, shuffleColumns } from '@twinkeep/synthetic/evaluate';
import {
  countPlan,
  createTable,
  fitMst,
  fitMstFromCounts,
  sample,
  selectRows,
  SyntheticError,
  type CategoryColumn,
  type NumberColumn,
  type Table,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';
import { PINNED_SMALL_FIT, smallFit } from '../support/small-fit.ts';
import { knownSchema, knownTable, label } from '../support/tables.ts';

const train = knownTable(4_000, 1);
const holdout = knownTable(4_000, 2);
const exact = await fitMst(train, knownSchema, { target: 'left' });

describe('class-conditional MST', () => {
  it('without noise: like the data, and it teaches nearly what they teach', () => {
    const made = sample(exact, { rows: 4_000, seed: 1 });
    expect(made.columns.map(({ name }) => name)).toEqual(knownSchema.columns.map(({ name }) => name));
    const quality = qualityReport(train, made);
    expect(quality.score).toBeGreaterThan(0.95);
    expect(quality.trends).toBeGreaterThan(qualityReport(train, shuffleColumns(train, 1)).trends + 0.02);
    const real = efficacy(train, holdout, label).auc.value;
    expect(real).toBeGreaterThan(0.72);
    expect(efficacy(made, holdout, label).auc.value).toBeGreaterThan(real - 0.025);
  });

  it('with epsilon 1: still most of it; with a tiny epsilon next to nothing', async () => {
    const real = efficacy(train, holdout, label).auc.value;
    const model = await fitMst(train, knownSchema, { target: 'left', epsilon: 1, delta: 1e-6 });
    expect(efficacy(sample(model, { rows: 4_000, seed: 1 }), holdout, label).auc.value).toBeGreaterThan(
      real - 0.08,
    );
    expect(qualityReport(train, sample(model, { rows: 4_000, seed: 1 })).score).toBeGreaterThan(0.85);
    const blind = await fitMst(train, knownSchema, { target: 'left', epsilon: 0.02, delta: 1e-6 });
    expect(efficacy(sample(blind, { rows: 4_000, seed: 1 }), holdout, label).auc.value).toBeLessThan(
      real - 0.08,
    );
  });

  it('keeps the class shares, atoms, missing values and dates', () => {
    const made = sample(exact, { rows: 8_000, seed: 2 });
    const share = (table: Table, name: string, test: (x: number) => boolean): number => {
      const column = table.columns.find((candidate) => candidate.name === name)!;
      const values = column.kind === 'category' ? column.codes : column.values;
      return [...values].filter(test).length / table.rows;
    };
    expect(share(made, 'balance', (x) => x === 0)).toBeCloseTo(
      share(train, 'balance', (x) => x === 0),
      2,
    );
    expect(share(made, 'score', Number.isNaN)).toBeCloseTo(share(train, 'score', Number.isNaN), 2);
    expect(share(made, 'since', (x) => Number.isInteger(x) && x >= 18_000 && x <= 18_301)).toBe(1);
    const yes = (table: Table): number => {
      const left = table.columns.at(-1) as CategoryColumn;
      return left.codes.filter((code) => left.words[code] === 'yes').length / table.rows;
    };
    expect(yes(made)).toBeCloseTo(yes(train), 3);
  });

  it('is a plain file: written and read again it gives the same rows, for the same seed only', () => {
    const again = JSON.parse(JSON.stringify(exact)) as typeof exact;
    expect(sample(again, { rows: 300, seed: 9 })).toEqual(sample(exact, { rows: 300, seed: 9 }));
    expect(sample(exact, { rows: 300, seed: 8 })).not.toEqual(sample(exact, { rows: 300, seed: 9 }));
  });

  it('draws no more and no fewer rows than asked, one and none included', () => {
    for (const rows of [0, 1, 7, 501]) expect(sample(exact, { rows, seed: 1 }).rows).toBe(rows);
  });

  it('is the same fit when sites count and only sums are seen', async () => {
    const halves = [0, 1].map((half) =>
      selectRows(
        train,
        Array.from({ length: 2_000 }, (_, i) => 2 * i + half),
      ),
    );
    const asked: number[] = [];
    const cells = await Promise.all(
      halves.map(async (half) => {
        // What a site does: encode its rows by the public schema.
        let seen: { attributes: Int32Array[]; classes: Int32Array } | null = null;
        const left = half.columns.at(-1) as CategoryColumn;
        const attributes = encodeBySchema(half);
        seen = { attributes, classes: left.codes.map((code) => (left.words[code] === 'yes' ? 1 : 0)) };
        return seen;
      }),
    );
    const model = await fitMstFromCounts(
      async (plan, variance) => {
        expect(variance).toBeNull();
        const parts = cells.map(({ attributes, classes }) => countPlan(attributes, classes, plan));
        asked.push(parts[0]!.length);
        return parts[0]!.map((count, i) => count + parts[1]![i]!);
      },
      knownSchema,
      { target: 'left' },
    );
    expect(model).toEqual(exact);
    expect(asked.length).toBe(4);
  });

  it('makes pinned bytes, which a browser makes too', async () => {
    expect(await smallFit()).toBe(PINNED_SMALL_FIT);
  });

  it('refuses what it cannot promise or model', async () => {
    const refused = (options: object, schema: TableSchema = knownSchema): Promise<SyntheticError> =>
      fitMst(train, schema, options).then(
        () => Promise.reject(new Error('was not refused')),
        (error: SyntheticError) => error,
      );
    expect((await refused({ epsilon: 1 })).message).toMatch(/go together/);
    expect((await refused({ epsilon: 0, delta: 1e-6 })).code).toBe('synthetic/privacy');
    expect((await refused({ epsilon: 1, delta: 1 })).code).toBe('synthetic/privacy');
    expect((await refused({ target: 'balance' })).message).toMatch(/column balance.*no category/);
    expect((await refused({ target: 'nowhere' })).message).toMatch(/column nowhere/);
    expect((await refused({ target: 'left' }, { columns: [knownSchema.columns.at(-1)!] })).message).toMatch(
      /no column is left/,
    );
  });

  it('a table of one column, of two, and a label that is missing for some', async () => {
    const one = createTable([train.columns[2]!]);
    const plan = { columns: [knownSchema.columns[2]!] };
    const counted = sample(await fitMst(one, plan, { epsilon: 5, delta: 1e-6 }), { rows: 4_000, seed: 1 });
    expect(qualityReport(one, counted).shapes).toBeGreaterThan(0.97);
    const two = createTable([train.columns[2]!, train.columns.at(-1)!]);
    const both = { columns: [knownSchema.columns[2]!, { ...knownSchema.columns.at(-1)!, missing: true }] };
    const left = two.columns[1] as CategoryColumn;
    const gaps = createTable([
      two.columns[0]!,
      { ...left, codes: left.codes.map((code, i) => (i % 4 === 0 ? -1 : code)) },
    ]);
    for (const options of [{ target: 'left' }, { epsilon: 5, delta: 1e-6 }]) {
      const made = sample(await fitMst(gaps, both, options), { rows: 4_000, seed: 1 });
      const codes = (made.columns[1] as CategoryColumn).codes;
      expect(codes.filter((code) => code < 0).length / 4_000).toBeCloseTo(0.25, 1);
      expect(qualityReport(gaps, made).trends).toBeGreaterThan(0.95);
    }
  });
});

describe('conditions', () => {
  it('hold in every row, and the rest follows them', () => {
    const made = sample(exact, {
      rows: 2_000,
      seed: 3,
      where: { plan: { is: 'premium' }, balance: { min: 60 }, left: { is: 'yes' } },
    });
    const [balance, score, plan] = made.columns as [NumberColumn, NumberColumn, CategoryColumn];
    expect(new Set(plan.codes)).toEqual(new Set([plan.words.indexOf('premium')]));
    expect(balance.values.every((x) => x >= 60)).toBe(true);
    // In the data, the same rows.
    const [b, s, p, , , l] = train.columns as [
      NumberColumn,
      NumberColumn,
      CategoryColumn,
      CategoryColumn,
      NumberColumn,
      CategoryColumn,
    ];
    const same = [...b.values.keys()].filter(
      (row) =>
        b.values[row]! >= 60 && p.words[p.codes[row]!] === 'premium' && l.words[l.codes[row]!] === 'yes',
    );
    const mean = (values: number[]): number => {
      const known = values.filter((x) => !Number.isNaN(x));
      return known.reduce((sum, x) => sum + x, 0) / known.length;
    };
    expect(same.length).toBeGreaterThan(200);
    expect(Math.abs(mean([...score.values]) - mean(same.map((row) => s.values[row]!)))).toBeLessThan(0.25);
  });

  it('of a value, of missing, of bounds within a bin', () => {
    const only = (where: NonNullable<Parameters<typeof sample>[1]['where']>, name: string): number[] => {
      const made = sample(exact, { rows: 50, seed: 1, where });
      const column = made.columns.find((candidate) => candidate.name === name) as NumberColumn;
      return [...column.values];
    };
    expect(new Set(only({ balance: { is: 0 } }, 'balance'))).toEqual(new Set([0]));
    expect(new Set(only({ balance: { is: 51.23 } }, 'balance'))).toEqual(new Set([51.23]));
    expect(new Set(only({ score: { is: null } }, 'score'))).toEqual(new Set([Number.NaN]));
    for (const x of only({ score: { min: 5.1, max: 5.2 } }, 'score')) expect(x >= 5.1 && x <= 5.2).toBe(true);
  });

  it.each([
    [{ plan: { is: 'gold' } }, /column plan/],
    [{ plan: { is: null } }, /column plan/],
    [{ plan: { min: 3 } }, /no bounds/],
    [{ balance: { min: 500 } }, /column balance/],
    [{ since: { is: null } }, /column since/],
    [{ unknown: { is: 1 } }, /column unknown/],
  ])('%j can never hold', (where, message) => {
    const draw = () => sample(exact, { rows: 1, seed: 1, where });
    expect(draw).toThrow(SyntheticError);
    expect(draw).toThrow(message);
  });
});

/** The cells of all columns but the label, as the schema numbers them; by hand, apart from the code under test. */
function encodeBySchema(table: Table): Int32Array[] {
  const [balance, score, plan, city, since] = table.columns as [
    NumberColumn,
    NumberColumn,
    CategoryColumn,
    CategoryColumn,
    NumberColumn,
  ];
  const bin = (x: number, min: number, max: number, bins: number): number =>
    Math.min(bins - 1, Math.max(0, Math.floor(((x - min) / (max - min)) * bins + 1e-12)));
  const words = (column: CategoryColumn, place: number): Int32Array => {
    const schema = knownSchema.columns[place]!;
    const list = schema.kind === 'category' ? schema.words : [];
    return column.codes.map((code) => list.indexOf(column.words[code]!));
  };
  return [
    Int32Array.from(balance.values, (x) => (x === 0 ? 0 : 1 + bin(x, -20, 130, 15))),
    Int32Array.from(score.values, (x) => (Number.isNaN(x) ? 20 : bin(x, 0, 10, 20))),
    words(plan, 2),
    words(city, 3),
    Int32Array.from(since.values, (x) => bin(x, 18_000, 18_301, 10)),
  ];
}
