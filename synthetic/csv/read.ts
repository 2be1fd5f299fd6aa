/** A CSV file as a table: of the types that a schema says, or of those that its cells show. */
import { SyntheticError } from '../error.ts';
import { createTable, type Column, type Table } from '../table.ts';
import type { ColumnSchema, TableSchema } from '../synthesize/schema.ts';
import { readRows } from './rows.ts';

export interface CsvOptions {
  /** How the file is called in errors. */
  file: string;
  /** One character. Default: the one of comma, semicolon, tab and bar that the header shows. */
  separator?: string;
  /** Its columns are read, others skipped; words, bounds and missing values are the schema's business. Default: types by the cells. */
  schema?: TableSchema;
  /** Cells that mean missing, besides empty ones. Default: none. */
  missing?: readonly string[];
  /** Told after every so many rows. */
  progress?: (rows: number) => void;
}

const SEPARATORS = [',', ';', '\t', '|'] as const;
const PROGRESS_ROWS = 10_000;
/** A column that has been a number for so long is not taken for words when a cell is none. */
const SETTLED_ROWS = 1_000;
const MAX_WORDS = 100_000;

/** Dates are `2026-01-31`. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function readCsv(chunks: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<Table> {
  const { file, schema, missing = [], progress } = options;
  const { separator, rest } = await findSeparator(chunks, options);
  let builders: { place: number; builder: Builder }[] | null = null;
  let width = 0;
  for await (const { row, cells } of readRows(rest, separator, file)) {
    if (builders === null) {
      width = cells.length;
      builders = openColumns(cells, separator, file, schema);
      continue;
    }
    if (cells.length !== width)
      throw new SyntheticError('synthetic/data', `has ${cells.length} cells where the header has ${width}`, {
        file,
        row,
      });
    for (const { place, builder } of builders) {
      const cell = cells[place] as string;
      builder.add(cell === '' || missing.includes(cell) ? null : cell, row);
    }
    if (row % PROGRESS_ROWS === 0) progress?.(row);
  }
  if (builders === null) throw new SyntheticError('synthetic/data', 'the file is empty', { file });
  return createTable(builders.map(({ builder }) => builder.column()));
}

/** The first line is looked at and given back. */
async function findSeparator(
  chunks: AsyncIterable<Uint8Array>,
  { separator }: CsvOptions,
): Promise<{ separator: string; rest: AsyncIterable<Uint8Array> }> {
  if (separator !== undefined) {
    if (separator.length !== 1 || separator === '"' || separator === '\n' || separator === '\r')
      throw new RangeError(`separator: ${JSON.stringify(separator)} is not one character that can separate`);
    return { separator, rest: chunks };
  }
  const iterator = chunks[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let line = '';
  while (!line.includes('\n') && line.length < 100_000) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    seen.push(value);
    line += new TextDecoder().decode(value);
  }
  async function* rest(): AsyncGenerator<Uint8Array, void, void> {
    yield* seen;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { separator: mostFrequent(line.split('\n')[0] as string), rest: rest() };
}

function mostFrequent(header: string): string {
  const plain = header.replaceAll(/"[^"]*"/g, '');
  const count = (separator: string): number => plain.split(separator).length;
  return SEPARATORS.reduce((best, separator) => (count(separator) > count(best) ? separator : best));
}

function openColumns(
  header: readonly string[],
  separator: string,
  file: string,
  schema: TableSchema | undefined,
): { place: number; builder: Builder }[] {
  const twice = header.find((name, i) => header.indexOf(name) < i);
  if (twice !== undefined)
    throw new SyntheticError('synthetic/data', 'occurs twice in the header', { file, row: 0, column: twice });
  if (schema === undefined)
    return header.map((name, place) => ({ place, builder: createInferringBuilder(name, file) }));
  return schema.columns.map((column) => {
    const place = header.indexOf(column.name);
    if (place < 0) {
      const other = SEPARATORS.find(
        (candidate) =>
          candidate !== separator && header.some((cell) => cell.split(candidate).includes(column.name)),
      );
      const hint = other === undefined ? '' : `; it seems to be separated by ${JSON.stringify(other)}`;
      throw new SyntheticError('synthetic/data', `is not in the header${hint}`, {
        file,
        row: 0,
        column: column.name,
      });
    }
    return { place, builder: createBuilder(column, file) };
  });
}

interface Builder {
  /** null = missing. */
  add(cell: string | null, row: number): void;
  column(): Column;
}

/** Of the type that the schema says. */
function createBuilder(schema: ColumnSchema, file: string): Builder {
  const { name, kind } = schema;
  const place = (row: number) => ({ file, row, column: name });
  if (kind !== 'category') {
    const values: number[] = [];
    return {
      add(cell, row) {
        if (cell === null) return void values.push(missingOf(schema.missing, place(row)));
        const value = kind === 'date' ? dateToDay(cell) : textToNumber(cell);
        if (Number.isNaN(value))
          throw new SyntheticError('synthetic/data', `${quoted(cell)} is no ${kind}`, place(row));
        values.push(value);
      },
      column: () => ({ kind, name, values: Float64Array.from(values) }),
    };
  }
  const words = new Map(schema.words.map((word, code) => [word, code]));
  const other = schema.other === undefined ? undefined : words.get(schema.other);
  const codes: number[] = [];
  return {
    add(cell, row) {
      const code = words.get(cell ?? '');
      if (code !== undefined) codes.push(code);
      else if (cell === null) {
        missingOf(schema.missing, place(row));
        codes.push(-1);
      } else if (other !== undefined) codes.push(other);
      else
        throw new SyntheticError(
          'synthetic/data',
          `${quoted(cell)} is none of the schema's words`,
          place(row),
        );
    },
    column: () => ({ kind: 'category', name, words: schema.words, codes: Int32Array.from(codes) }),
  };
}

function missingOf(
  allowed: boolean | undefined,
  place: { file: string; row: number; column: string },
): number {
  if (allowed === true) return Number.NaN;
  throw new SyntheticError('synthetic/data', 'is missing, which the schema does not allow', place);
}

/** A number or a date while every cell is one, else words. */
function createInferringBuilder(name: string, file: string): Builder {
  const words = new Map<string, number>();
  const codes: number[] = [];
  let kind: 'number' | 'date' | null = null;
  let mixed = false;
  let present = 0;
  return {
    add(cell, row) {
      if (cell === null) return void codes.push(-1);
      const found = Number.isNaN(textToNumber(cell))
        ? Number.isNaN(dateToDay(cell))
          ? null
          : 'date'
        : 'number';
      if (present === 0) kind = found;
      if (found !== kind && !mixed) {
        if (kind !== null && present >= SETTLED_ROWS)
          throw new SyntheticError(
            'synthetic/data',
            `${quoted(cell)} is no ${kind}, as the ${present} values before are; a schema says what is meant`,
            { file, row, column: name },
          );
        mixed = true;
      }
      present++;
      let code = words.get(cell);
      if (code === undefined) words.set(cell, (code = words.size));
      codes.push(code);
      if ((mixed || kind === null) && words.size > MAX_WORDS)
        throw new SyntheticError(
          'synthetic/data',
          `has more than ${MAX_WORDS} different words; leave it out or name its words in a schema`,
          { file, row, column: name },
        );
    },
    column() {
      const list = [...words.keys()];
      if (kind === null || mixed)
        return { kind: 'category', name, words: list, codes: Int32Array.from(codes) };
      const values = list.map(kind === 'date' ? dateToDay : textToNumber);
      return {
        kind,
        name,
        values: Float64Array.from(codes, (code) => (code < 0 ? Number.NaN : (values[code] as number))),
      };
    },
  };
}

/** NaN for what is no decimal number. */
function textToNumber(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
}

/** Days since 1970-01-01; NaN for what is no date. */
export function dateToDay(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return Number.NaN;
  const day = Date.parse(`${text}T00:00:00Z`) / 86_400_000;
  return dayToDate(day) === text ? day : Number.NaN;
}

/** Empty for NaN. */
export function dayToDate(day: number): string {
  const time = new Date(day * 86_400_000);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 10);
}

function quoted(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}...` : cell);
}
