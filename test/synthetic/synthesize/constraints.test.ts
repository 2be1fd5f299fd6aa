import { createRandomSource, uniform } from '@twinkeep/synthetic/random';
import {
  cellsToColumn,
  createTable,
  fitCopula,
  fitMst,
  sample,
  SyntheticError,
  type CategoryColumn,
  type NumberColumn,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';

const random = createRandomSource(12);
const people = Array.from({ length: 3_000 }, (_, i) => {
  const stream = random.stream(i, 'person');
  const start = Math.floor(100 * uniform(stream));
  const end = uniform(stream) < 0.2 ? null : start + Math.floor((100 - start) * uniform(stream));
  const line = uniform(stream) < 0.3 ? 'none' : 'fibre';
  const security = line === 'none' ? 'no line' : uniform(stream) < 0.5 ? 'yes' : 'no';
  const [net, tax] = [Math.floor(50 * uniform(stream)), Math.floor(10 * uniform(stream))];
  return { start, end, line, security, net, tax, gross: net + tax };
});
const table = createTable([
  cellsToColumn(
    'start',
    'date',
    people.map(({ start }) => start),
  ),
  cellsToColumn(
    'end',
    'date',
    people.map(({ end }) => end),
  ),
  cellsToColumn(
    'line',
    'category',
    people.map(({ line }) => line),
  ),
  cellsToColumn(
    'gross',
    'number',
    people.map(({ gross }) => gross),
  ),
  cellsToColumn(
    'security',
    'category',
    people.map(({ security }) => security),
  ),
  cellsToColumn(
    'net',
    'number',
    people.map(({ net }) => net),
  ),
  cellsToColumn(
    'tax',
    'number',
    people.map(({ tax }) => tax),
  ),
]);
const schema: TableSchema = {
  columns: [
    { kind: 'date', name: 'start', min: 0, max: 100, bins: 10 },
    { kind: 'date', name: 'end', min: 0, max: 100, bins: 10, missing: true },
    { kind: 'category', name: 'line', words: ['none', 'fibre'] },
    { kind: 'number', name: 'gross', min: 0, max: 60, step: 1 },
    { kind: 'category', name: 'security', words: ['no', 'yes', 'no line'] },
    { kind: 'number', name: 'net', min: 0, max: 49, bins: 10, step: 1 },
    { kind: 'number', name: 'tax', min: 0, max: 9, bins: 9, step: 1 },
  ],
  constraints: [
    { kind: 'order', low: 'start', high: 'end' },
    { kind: 'implies', column: 'line', is: 'none', thenColumn: 'security', must: 'no line' },
    { kind: 'sum', total: 'gross', parts: ['net', 'tax'] },
  ],
};

describe.each(['mst', 'copula'] as const)('constraints of a %s', (kind) => {
  const fit = async (given: TableSchema) =>
    kind === 'mst' ? fitMst(table, given, { epsilon: 3, delta: 1e-6 }) : fitCopula(table, given);

  it('hold in every row, of exactly as many rows as asked, in the order of the schema', async () => {
    const made = sample(await fit(schema), { rows: 2_000, seed: 1 });
    expect(made.rows).toBe(2_000);
    expect(made.columns.map(({ name }) => name)).toEqual(schema.columns.map(({ name }) => name));
    const [start, end, line, gross, security, net, tax] = made.columns as [
      NumberColumn,
      NumberColumn,
      CategoryColumn,
      NumberColumn,
      CategoryColumn,
      NumberColumn,
      NumberColumn,
    ];
    let missing = 0;
    for (let row = 0; row < made.rows; row++) {
      if (Number.isNaN(end.values[row])) missing++;
      else expect(end.values[row]!).toBeGreaterThanOrEqual(start.values[row]!);
      if (line.words[line.codes[row]!] === 'none')
        expect(security.words[security.codes[row]!]).toBe('no line');
      expect(gross.values[row]).toBe(net.values[row]! + tax.values[row]!);
    }
    // Missing ends break no order: they are not drawn away.
    expect(missing / made.rows).toBeGreaterThan(0.15);
  });

  it('hold beside conditions', async () => {
    const made = sample(await fit(schema), {
      rows: 200,
      seed: 2,
      where: { start: { min: 60 }, line: { is: 'none' } },
    });
    const [start, end] = made.columns as [NumberColumn, NumberColumn];
    for (const [row, x] of start.values.entries()) {
      expect(x).toBeGreaterThanOrEqual(60);
      if (!Number.isNaN(end.values[row])) expect(end.values[row]!).toBeGreaterThanOrEqual(x);
    }
  });

  it('that nothing can satisfy end with the constraint in words', async () => {
    const impossible: TableSchema = {
      columns: schema.columns,
      constraints: [{ kind: 'implies', column: 'line', is: 'fibre', thenColumn: 'security', must: 'gold' }],
    };
    const model = await fit(impossible);
    expect(() => sample(model, { rows: 5_000, seed: 1, where: { line: { is: 'fibre' } } })).toThrow(/gold/);
    expect(() => sample(model, { rows: 5_000, seed: 1, where: { line: { is: 'fibre' } } })).toThrow(
      SyntheticError,
    );
  });
});
