import {
  formatOf,
  openNdjson,
  openParquet,
  openRecords,
  recordsToTable,
  recordsToTables,
  tablesToBytes,
  type Format,
  type Source,
  type SyntheticError,
} from '@twinkeep/synthetic/formats';
import {
  createTable,
  parseSchema,
  schemaFromRecords,
  schemaFromTable,
  selectRows,
  type Table,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { knownSchema, knownTable } from '../support/tables.ts';

/** A file in memory, read in chunks of a size. */
function source(bytes: Uint8Array, size = 1_000): Source {
  return {
    async *chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
    access: () =>
      Promise.resolve({
        byteLength: bytes.length,
        slice: (start, end) => Promise.resolve(bytes.slice(start, end).buffer),
      }),
  };
}

async function written(tables: Table[], schema: TableSchema, format: Format): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of tablesToBytes(tables, schema, format)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

async function refusal(
  bytes: Uint8Array | string,
  format: Format,
  schema?: TableSchema,
): Promise<SyntheticError> {
  const given = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  try {
    const records = await openRecords(source(given), format, `people.${format}`);
    await recordsToTable(records, { file: `people.${format}`, ...(schema === undefined ? {} : { schema }) });
  } catch (error) {
    return error as SyntheticError;
  }
  throw new Error('it was read');
}

const part = (table: Table, from: number, to: number): Table =>
  selectRows(
    table,
    Array.from({ length: to - from }, (_, i) => from + i),
  );

describe('formats', () => {
  it('are told by the name of a file', () => {
    expect(['a.csv', 'b.JSONL', 'c.ndjson', 'd.parquet', 'e.txt', 'csv', 'x.csv/y'].map(formatOf)).toEqual([
      'csv',
      'ndjson',
      'ndjson',
      'parquet',
      null,
      null,
      null,
    ]);
  });

  it.each(['csv', 'ndjson', 'parquet'] as const)(
    '%s: a table in pieces is read again as it was',
    async (format) => {
      const table = knownTable(2_500, 3);
      const bytes = await written([part(table, 0, 1_000), part(table, 1_000, 2_500)], knownSchema, format);
      const file = `people.${format}`;
      const records = await openRecords(source(bytes, 997), format, file);
      expect(records.names).toEqual(table.columns.map(({ name }) => name));
      const whole = await recordsToTable(records, { file, schema: knownSchema });
      const expected = await recordsToTable(
        await openRecords(source(await written([table], knownSchema, 'csv')), 'csv', 'x.csv'),
        { file: 'x.csv', schema: knownSchema },
      );
      expect(whole).toEqual(expected);
      expect(whole.columns.map(({ kind }) => kind)).toEqual(table.columns.map(({ kind }) => kind));
      const again: Table[] = [];
      for await (const one of recordsToTables(
        await openRecords(source(bytes), format, file),
        { file, schema: knownSchema },
        700,
      ))
        again.push(one);
      expect(again.map(({ rows }) => rows)).toEqual([700, 700, 700, 400]);
      expect(again[3]).toEqual(part(whole, 2_100, 2_500));
    },
  );

  it('any words, numbers, dates and holes survive every format', async () => {
    const word = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 8 })
      .filter((text) => !/\p{Cs}/u.test(text) && !/^[\n\r]*$/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            x: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })),
            n: fc.option(fc.integer()),
            d: fc.option(fc.integer({ min: -20_000, max: 60_000 })),
            w: fc.option(word),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (rows) => {
          const words = [...new Set(rows.flatMap(({ w }) => w ?? []))];
          const numbers = (key: 'x' | 'n' | 'd') =>
            Float64Array.from(rows, (row) => (row[key] === null ? Number.NaN : row[key] + 0));
          const table = createTable([
            { kind: 'number', name: 'x', values: numbers('x') },
            { kind: 'number', name: 'n', values: numbers('n') },
            { kind: 'date', name: 'd', values: numbers('d') },
            {
              kind: 'category',
              name: 'w',
              words,
              codes: Int32Array.from(rows, ({ w }) => (w === null ? -1 : words.indexOf(w))),
            },
          ]);
          const schema = parseSchema({
            columns: [
              { kind: 'number', name: 'x', min: -1e12, max: 1e12, missing: true },
              { kind: 'number', name: 'n', min: -(2 ** 31), max: 2 ** 31 - 1, step: 1, missing: true },
              { kind: 'date', name: 'd', min: -20_000, max: 60_000, missing: true },
              { kind: 'category', name: 'w', words: words.length === 0 ? ['-'] : words, missing: true },
            ],
          });
          for (const format of ['csv', 'ndjson', 'parquet'] as const) {
            const records = await openRecords(source(await written([table], schema, format), 7), format, 'f');
            const read = await recordsToTable(records, { file: 'f', schema });
            expect(read.columns.slice(0, 3)).toEqual(table.columns.slice(0, 3));
            const column = read.columns[3];
            if (column?.kind !== 'category')
              return expect.unreachable('the words came back as something else');
            expect(Array.from(column.codes, (code) => column.words[code] ?? null)).toEqual(
              rows.map(({ w }) => w),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a schema is read off a file as off the table in memory', async () => {
    const table = knownTable(3_000, 5);
    const records = await openRecords(source(await written([table], knownSchema, 'csv')), 'csv', 'f.csv');
    const { schema, rows } = await schemaFromRecords(records, { file: 'f.csv' });
    expect(rows).toBe(3_000);
    const again = await openRecords(source(await written([table], knownSchema, 'csv')), 'csv', 'f.csv');
    expect(schema).toEqual(schemaFromTable(await recordsToTable(again, { file: 'f.csv' })));
  });
});

describe('a schema of a file that is wrong', () => {
  const derive = async (text: string): Promise<unknown> => {
    const records = await openRecords(source(new TextEncoder().encode(text), 100_000), 'csv', 'big.csv');
    return schemaFromRecords(records, { file: 'big.csv' }).catch((error: unknown) => error);
  };
  it('names the row where a column changes its type, and where it has too many words', async () => {
    const changed = (await derive(`a,x\n${'b,1\n'.repeat(50_000)}b,one\n`)) as SyntheticError;
    expect(changed.place).toEqual({ file: 'big.csv', row: 50_001, column: 'x' });
    const names = Array.from({ length: 100_001 }, (_, i) => `n${i}`).join('\n');
    const many = (await derive(`name\n${names}\n`)) as SyntheticError;
    expect(many.place).toEqual({ file: 'big.csv', row: 100_001, column: 'name' });
    // Numbers of which each is another are no words.
    const numbers = Array.from({ length: 120_000 }, (_, i) => i / 10).join('\n');
    expect(await derive(`x\n${numbers}\n`)).toMatchObject({
      rows: 120_000,
      schema: { columns: [{ kind: 'number', min: 0, max: 11_999.9, step: 0.1 }] },
    });
  });
});

describe('a file that is wrong is refused with its place', () => {
  const schema = parseSchema({
    columns: [
      { kind: 'number', name: 'age', min: 0, max: 120 },
      { kind: 'category', name: 'plan', words: ['basic', 'plus'] },
    ],
  });
  it.each([
    [
      '{"age":3,"plan":"basic"}\n{"age":"x","plan":"basic"}\n',
      /people\.ndjson, row 2, column age: "x" is no number/,
    ],
    ['{"age":3,"plan":"basic"}\n{"age":4,"plan":"gold"}\n', /row 2, column plan: "gold" is none/],
    ['{"age":3,"plan":"basic"}\n\n{"age":4}\n', /row 2, column plan: is missing/],
    ['{"age":3,"plan":["basic"]}\n', /row 1, column plan: is no plain value/],
    [
      '{"age":3,"plan":"basic"}\n{"age":3,"plan":"basic","x":1}\n',
      /row 2, column x: is not in the first row/,
    ],
    ['{"age":3,"plan":"basic"}\n{"age":3,\n', /row 2: is no JSON/],
    ['[1]\n', /row 1: is no JSON object/],
    ['', /people\.ndjson: the file is empty/],
    ['{"plan":"basic"}\n', /row 0, column age: is not among the columns/],
  ])('NDJSON %j', async (text, message) => {
    const error = await refusal(text, 'ndjson', schema);
    expect(error.code).toBe('synthetic/data');
    expect(error.message).toMatch(message);
  });

  it('NDJSON that is no UTF-8 from some row on', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"a":"x"}\n'.repeat(20)),
      Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
    ]);
    for (const size of [5, 10_000]) {
      const reading = openNdjson(source(bytes, size).chunks(), { file: 'f.ndjson' }).then((records) =>
        recordsToTable(records, { file: 'f.ndjson' }),
      );
      await expect(reading).rejects.toThrow(/f\.ndjson, row 21: is not UTF-8/);
    }
  });

  it('Parquet: another file, a broken one, lists, a value of another kind', async () => {
    expect((await refusal('age,plan\n3,basic\n', 'parquet', schema)).message).toMatch(
      /people\.parquet: is no readable Parquet file/,
    );
    const good = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'age', data: [3, 4, 5], type: 'INT32' },
          { name: 'plan', data: ['basic', 'plus', 'gold'], type: 'STRING' },
        ],
      }),
    );
    expect((await refusal(good, 'parquet', schema)).message).toMatch(/row 3, column plan: "gold" is none/);
    const broken = good.slice();
    broken.fill(0xff, 4, 60);
    expect((await refusal(broken, 'parquet', schema)).code).toBe('synthetic/data');
    expect((await refusal(good.subarray(0, good.length - 20), 'parquet', schema)).message).toMatch(
      /no readable/,
    );
    const times = new Uint8Array(
      parquetWriteBuffer({
        columnData: [{ name: 'at', data: [new Date('2026-01-31T12:00:00Z')], type: 'TIMESTAMP' }],
      }),
    );
    const { batches } = await openParquet(await source(times).access(), { file: 'f' });
    for await (const [first] of batches) expect(first?.cells).toEqual(['2026-01-31T12:00:00.000Z']);
  });

  it('Parquet: a broken number where the schema promises whole ones', async () => {
    const whole = parseSchema({ columns: [{ kind: 'number', name: 'n', min: 0, max: 9, step: 1 }] });
    const table = createTable([{ kind: 'number', name: 'n', values: Float64Array.of(1, 2.5) }]);
    await expect(written([table], whole, 'parquet')).rejects.toThrow(/column n: 2.5 is no whole number/);
  });
});
