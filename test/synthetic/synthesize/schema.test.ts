import {
  cellsToColumn,
  createTable,
  fitCopula,
  fitMst,
  parseSchema,
  sample,
  schemaFromTable,
  SyntheticError,
  type ColumnSchema,
  type NumberColumn,
  type Table,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownSchema, knownTable } from '../support/tables.ts';

const number = (more: object = {}): ColumnSchema => ({ kind: 'number', name: 'x', min: 0, max: 10, ...more });
const refusal = (schema: unknown): SyntheticError => {
  try {
    parseSchema(schema);
  } catch (error) {
    if (error instanceof SyntheticError) return error;
  }
  throw new Error('was not refused');
};

describe('a schema', () => {
  it('is what it was, read from JSON', () => {
    const schema: TableSchema = {
      ...knownSchema,
      constraints: [
        { kind: 'order', low: 'score', high: 'balance' },
        { kind: 'implies', column: 'plan', is: 'basic', thenColumn: 'left', must: 'no' },
        { kind: 'sum', total: 'balance', parts: ['score'] },
      ],
    };
    expect(parseSchema(JSON.parse(JSON.stringify(schema)))).toEqual(schema);
  });

  it.each([
    [{}, /columns/],
    [{ columns: [] }, /columns/],
    [{ columns: [number()], more: 1 }, /more/],
    [{ columns: [number({ colour: 'red' })] }, /colour/],
    [{ columns: [number({ min: 10 })] }, /column x.*below/],
    [{ columns: [number({ max: Infinity })] }, /max/],
    [{ columns: [number({ bins: 0 })] }, /bins/],
    [{ columns: [number({ edges: [3, 2] })] }, /ascend/],
    [{ columns: [number({ edges: [10] })] }, /ascend/],
    [{ columns: [number({ edges: [5], bins: 3 })] }, /both/],
    [{ columns: [number({ step: 0 })] }, /step/],
    [{ columns: [number(), number()] }, /twice/],
    [{ columns: [{ kind: 'category', name: 'c', words: ['a', 'a'] }] }, /word twice/],
    [{ columns: [{ kind: 'category', name: 'c', words: [] }] }, /words/],
    [{ columns: [{ kind: 'category', name: 'c', words: ['a'], other: 'b' }] }, /others/],
    [{ columns: [number()], constraints: [{ kind: 'order', low: 'x', high: 'y' }] }, /column y/],
    [{ columns: [number()], constraints: [{ kind: 'sum', total: 'x', parts: ['x'] }] }, /part and a total/],
    [
      {
        columns: [number(), { kind: 'category', name: 'c', words: ['a'] }],
        constraints: [{ kind: 'order', low: 'c', high: 'x' }],
      },
      /column c.*numbers/,
    ],
  ])('%j is refused with the place', (schema, message) => {
    expect(refusal(schema).code).toBe('synthetic/schema');
    expect(refusal(schema).message).toMatch(message);
  });
});

describe('cells', () => {
  const one = (cells: (number | string | null)[], kind: 'number' | 'category'): Table =>
    createTable([cellsToColumn('x', kind, cells)]);

  it('keep atoms, bins, missing values and words apart: a fit without noise gives the same shares back', async () => {
    const table = one([0, 0, 0, 0, 2, 7, 7.5, null], 'number');
    const schema: TableSchema = { columns: [number({ bins: 2, atoms: [0], missing: true })] };
    const made = sample(await fitMst(table, schema), { rows: 800, seed: 1 });
    const values = (made.columns[0] as NumberColumn).values;
    const count = (test: (x: number) => boolean): number => values.filter(test).length;
    expect(count((x) => x === 0)).toBe(400);
    expect(count((x) => x > 0 && x < 5)).toBe(100);
    expect(count((x) => x >= 5 && x <= 10)).toBe(200);
    expect(count(Number.isNaN)).toBe(100);
  });

  it('obey bounds and steps, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -1_000, max: 1_000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom(1, 0.1, 0.01, 0.25, 7),
        fc.integer({ min: 1, max: 40 }),
        async (min, width, step, bins) => {
          const column = number({ min, max: min + width, step, bins });
          const data = one([min, min + width, min + width / 2, min - 5, min + width + 5], 'number');
          const made = sample(await fitMst(data, { columns: [column] }), { rows: 50, seed: 3 });
          for (const x of (made.columns[0] as NumberColumn).values) {
            expect(Math.abs(x / step - Math.round(x / step))).toBeLessThan(1e-6);
            // Where a bin holds no multiple, the nearest one is taken.
            expect(x >= min - step && x <= min + width + step).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('that a schema does not know are refused with row and column, unless a word stands for others', async () => {
    const words = { kind: 'category', name: 'x', words: ['a', 'rest'] } as const;
    const refused = async (table: Table, schema: ColumnSchema): Promise<string> => {
      const failure = await fitMst(table, { columns: [schema] }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SyntheticError);
      expect((failure as SyntheticError).code).toBe('synthetic/data');
      return (failure as SyntheticError).message;
    };
    expect(await refused(one(['a', 'b'], 'category'), { ...words, words: [...words.words] })).toMatch(
      /row 2, column x: "b"/,
    );
    expect(await refused(one(['a', null], 'category'), { ...words, words: [...words.words] })).toMatch(
      /row 2.*missing/,
    );
    expect(await refused(one([1, 2, null], 'number'), number())).toMatch(/row 3.*missing/);
    expect(await refused(one(['a'], 'category'), number())).toMatch(/is no number/);
    expect(await refused(one([1], 'number'), { ...number(), name: 'y' } as ColumnSchema)).toMatch(
      /column y.*lacks/,
    );
    const kept = await fitMst(one(['a', 'b', 'c', 'a'], 'category'), {
      columns: [{ kind: 'category', name: 'x', words: ['a', 'rest'], other: 'rest' }],
    });
    const made = sample(kept, { rows: 100, seed: 1 }).columns[0]!;
    expect(made.kind === 'category' && made.codes.filter((code) => code === 1).length).toBe(50);
  });
});

describe('a schema read off a table', () => {
  it('fits the table and promises nothing', async () => {
    const table = knownTable(400, 3);
    const schema = schemaFromTable(table);
    expect(parseSchema(JSON.parse(JSON.stringify(schema)))).toEqual(schema);
    const balance = schema.columns[0]!;
    expect(balance).toMatchObject({ kind: 'number', step: 0.01, atoms: [0], missing: false });
    expect(schema.columns[1]).toMatchObject({ missing: true });
    expect(schema.columns[4]).toMatchObject({ kind: 'date', step: 1 });
    expect((await fitMst(table, schema)).privacy).toBeNull();
    expect(fitCopula(table).privacy).toBeNull();
    await expect(fitMst(table, schema, { epsilon: 1, delta: 1e-6 })).rejects.toThrow(/no epsilon holds/);
  });

  it('of odd columns: constant, empty, all missing', async () => {
    const table = createTable([
      cellsToColumn('constant', 'number', [7, 7, 7]),
      cellsToColumn('nothing', 'number', [null, null, null]),
      cellsToColumn('void', 'category', [null, null, null]),
      cellsToColumn('word', 'category', ['a', 'a', 'a']),
    ]);
    for (const model of [await fitMst(table, schemaFromTable(table)), fitCopula(table)]) {
      const made = sample(model, { rows: 5, seed: 1 });
      expect(
        made.columns.map((column) => (column.kind === 'category' ? column.codes[0] : column.values[0])),
      ).toEqual([7, Number.NaN, -1, 0]);
    }
  });
});
