import {
  dateToDay,
  dayToDate,
  readCsv,
  SyntheticError,
  tableToCsv,
  type CsvOptions,
} from '@twinkeep/synthetic/csv';
import { cellsToColumn, createTable, type Table, type TableSchema } from '@twinkeep/synthetic/synthesize';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

function read(text: string | Uint8Array, options: Partial<CsvOptions> = {}, size = 7): Promise<Table> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return readCsv(chunked(bytes, size), { file: 'people.csv', ...options });
}

async function refusal(
  text: string | Uint8Array,
  options: Partial<CsvOptions> = {},
  size = 7,
): Promise<SyntheticError> {
  const error: unknown = await read(text, options, size).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SyntheticError);
  return error as SyntheticError;
}

const schema: TableSchema = {
  columns: [
    { kind: 'number', name: 'age', min: 0, max: 120, missing: true },
    { kind: 'category', name: 'plan', words: ['basic', 'plus'] },
    { kind: 'date', name: 'since', min: 0, max: 30_000 },
  ],
};

describe('a file that is right', () => {
  it('gives the columns of the schema, in its order, others left out', async () => {
    const table = await read('since,plan,note,age\n2026-01-31,plus,"a, b",34\n1970-01-02,basic,,\n', {
      schema,
    });
    expect(table).toEqual(
      createTable([
        cellsToColumn('age', 'number', [34, null]),
        { kind: 'category', name: 'plan', words: ['basic', 'plus'], codes: Int32Array.of(1, 0) },
        cellsToColumn('since', 'date', [20_484, 1]),
      ]),
    );
  });

  it('shows its types by itself, and its separator', async () => {
    for (const separator of [',', ';', '\t', '|']) {
      const text =
        ['n', 'd', 'w', 'm'].join(separator) + '\r\n' + ['1.5', '2026-02-28', 'x', '7'].join(separator);
      const table = await read(`${text}\r\n${['-2e3', '', '"y ""z"""', 'NA'].join(separator)}\r\n`, {
        missing: ['NA'],
      });
      expect(table.columns).toEqual([
        cellsToColumn('n', 'number', [1.5, -2_000]),
        cellsToColumn('d', 'date', [dateToDay('2026-02-28'), null]),
        cellsToColumn('w', 'category', ['x', 'y "z"']),
        cellsToColumn('m', 'number', [7, null]),
      ]);
    }
  });

  it('quotes hold separators, line breaks and quotes; a byte order mark and empty lines are nothing', async () => {
    const table = await read('\uFEFFa,b\n"x\n,""y""",1\n\n"",2\n');
    expect(table.columns).toEqual([
      cellsToColumn('a', 'category', ['x\n,"y"', null]),
      cellsToColumn('b', 'number', [1, 2]),
    ]);
    expect((await read('a\n')).rows).toBe(0);
    expect((await read('a,b\n1,2')).rows).toBe(1);
  });

  it('is read again as it was written, in chunks of any size', async () => {
    const cell = fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.constantFrom('a,b', '"', 'x\r\ny', 'ü', ' '),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }))), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.integer({ min: 1, max: 64 }),
        async (rows, size) => {
          const words = rows.map(([word]) => word);
          // -0 is written as 0.
          const numbers = rows.map(([, x]) => (x === null ? null : x + 0));
          const table = createTable([
            cellsToColumn('the, "word"', 'category', words),
            cellsToColumn('x', 'number', numbers),
          ]);
          const text = [...tableToCsv(table)].join('');
          const typed: TableSchema = {
            columns: [
              { kind: 'category', name: 'the, "word"', words: [...new Set(words)] },
              { kind: 'number', name: 'x', min: -1, max: 1, missing: true },
            ],
          };
          expect(await read(text, { schema: typed, separator: ',' }, size)).toEqual(table);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells its progress', async () => {
    const told: number[] = [];
    const text = `a\n${'1\n'.repeat(25_000)}`;
    expect((await read(text, { progress: (rows) => told.push(rows) }, 65_536)).rows).toBe(25_000);
    expect(told).toEqual([10_000, 20_000]);
  });

  it('dates exist or are none', () => {
    expect(dayToDate(dateToDay('2024-02-29'))).toBe('2024-02-29');
    for (const wrong of ['2025-02-29', '2025-13-01', '2025-1-1', 'today', '2025-01-01T00:00:00Z'])
      expect(dateToDay(wrong)).toBeNaN();
    expect(dayToDate(Number.NaN)).toBe('');
  });
});

describe('a file that is wrong is refused with its place', () => {
  const header = 'age,plan,since\n';
  const good = '34,basic,2026-01-01\n';

  it.each([
    ['', /^people\.csv: the file is empty$/],
    ['\n\n', /the file is empty/],
    [`${header}${good}x1,basic,2026-01-01\n`, /^people\.csv, row 2, column age: "x1" is no number$/],
    [`${header}${good}${good}34,gold,2026-01-01\n`, /row 3, column plan: "gold" is none/],
    [`${header}34,basic,2026-02-30\n`, /row 1, column since: "2026-02-30" is no date/],
    [`${header}34,,2026-01-01\n`, /row 1, column plan: is missing/],
    [`${header}34,basic\n`, /row 1: has 2 cells where the header has 3/],
    [`${header}${good}"34"5,basic,2026-01-01\n`, /row 2: has text after a closing quote/],
    [`${header}${good}"34,basic,2026-01-01\n${good}`, /row 2: has an opening quote/],
    ['age,plan,age\n', /row 0, column age: occurs twice/],
    ['age,plan\n', /row 0, column since: is not among the columns$/],
  ])('%j', async (text, message) => {
    const error = await refusal(text, { schema });
    expect(error.code).toBe('synthetic/data');
    expect(error.message).toMatch(message);
  });

  it('the wrong delimiter, with the right one', async () => {
    const error = await refusal('age;plan;since\n34;basic;2026-01-01\n', { schema, separator: ',' });
    expect(error.message).toMatch(/column age: is not among the columns; it seems to be separated by ";"/);
    await expect(read('a\n', { separator: ',,' })).rejects.toThrow(RangeError);
  });

  it('mixed encodings: the row of the first byte that is not UTF-8, in chunks of any size', async () => {
    const utf8 = new TextEncoder().encode(`name,x\n${'Zoë,1\n'.repeat(50)}`);
    const latin1 = Uint8Array.of(0x5a, 0x6f, 0xeb, 0x2c, 0x32, 0x0a);
    const bytes = new Uint8Array([...utf8, ...latin1, ...utf8.subarray(7)]);
    for (const size of [1, 13, 100_000]) {
      const error = await refusal(bytes, {}, size);
      expect(error.place).toEqual({ file: 'people.csv', row: 51 });
      expect(error.message).toMatch(/not UTF-8/);
    }
    const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0x00, 0x0a, 0x00]);
    expect((await refusal(utf16, {}, 100)).message).toMatch(/UTF-16/);
  });

  it('a column that changes its type in row one million', async () => {
    async function* file(): AsyncGenerator<Uint8Array> {
      const encoder = new TextEncoder();
      yield encoder.encode('id,x\n');
      const block = encoder.encode('a,1\n'.repeat(99_999));
      for (let i = 0; i < 10; i++) yield block;
      yield encoder.encode('a,1\n'.repeat(9));
      yield encoder.encode('a,one\n');
    }
    const error: unknown = await readCsv(file(), { file: 'big.csv' }).catch((reason: unknown) => reason);
    expect((error as SyntheticError).place).toEqual({ file: 'big.csv', row: 1_000_000, column: 'x' });
    expect((error as SyntheticError).message).toMatch(/"one" is no number, as the 999999 values before/);
    // Early on, it is a column of words.
    expect((await read('x\n1\none\n')).columns[0]!.kind).toBe('category');
  });

  it('a million categories', async () => {
    async function* file(): AsyncGenerator<Uint8Array> {
      const encoder = new TextEncoder();
      yield encoder.encode('x,name\n');
      for (let i = 0; i < 1_000; i++)
        yield encoder.encode(Array.from({ length: 1_000 }, (_, k) => `1,n${i * 1_000 + k}\n`).join(''));
    }
    const error: unknown = await readCsv(file(), { file: 'big.csv' }).catch((reason: unknown) => reason);
    expect((error as SyntheticError).place).toEqual({ file: 'big.csv', row: 100_001, column: 'name' });
    expect((error as SyntheticError).message).toMatch(/more than 100000 different words/);
  });

  it('one endless row, and the file of something else', async () => {
    expect((await refusal(`a,b\n${'x'.repeat(1_100_000)}\n`, {}, 50_000)).message).toMatch(
      /row 1: is longer/,
    );
    expect((await refusal(new Uint8Array(6_000_000).fill(0x41), {}, 500_000)).message).toMatch(/is longer/);
  });
});
