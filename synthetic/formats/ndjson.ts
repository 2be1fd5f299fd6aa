/**
 * NDJSON: one JSON object per line, one line per row. Whoever made the file is not trusted: lines are bounded, a line is an object of plain
 * values, and every refusal says in which row. The first row names the columns.
 */
import { readLines } from '../csv/rows.ts';
import { SyntheticError } from '../error.ts';
import type { Column, Table } from '../table.ts';
import { dayToDate, type Records, type TextRow } from './records.ts';

type Line = Readonly<Record<string, unknown>>;

/** Reads the first row. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function openNdjson(
  chunks: AsyncIterable<Uint8Array>,
  { file, names: given }: { file: string; names?: readonly string[] },
): Promise<Records> {
  const lines = readObjects(chunks, file);
  const first = await lines.next();
  if (first.done === true) {
    if (given === undefined) throw new SyntheticError('synthetic/data', 'the file is empty', { file });
    return { names: given, rows: lines as AsyncGenerator<never, void, void> };
  }
  const names = given ?? Object.keys(first.value.line);
  const known = new Set(names);
  const toRow = ({ row, line }: { row: number; line: Line }): TextRow => {
    const unknown = Object.keys(line).find((name) => !known.has(name));
    if (unknown !== undefined)
      throw new SyntheticError('synthetic/data', 'is not in the first row', { file, row, column: unknown });
    return { row, cells: names.map((name) => cellText(line[name], { file, row, column: name })) };
  };
  async function* rows(): AsyncGenerator<TextRow, void, void> {
    yield toRow((first as IteratorYieldResult<{ row: number; line: Line }>).value);
    for await (const line of lines) yield toRow(line);
  }
  return { names, rows: rows() };
}

async function* readObjects(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<{ row: number; line: Line }, void, void> {
  let row = 0;
  let rest = '';
  const parse = (text: string): Line => {
    row++;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new SyntheticError('synthetic/data', 'is no JSON', { file, row });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new SyntheticError('synthetic/data', 'is no JSON object', { file, row });
    return value as Line;
  };
  for await (const { text } of readLines(chunks, file, () => row + 1)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line.trim() !== '') yield { row: row + 1, line: parse(line) };
  }
  if (rest.trim() !== '') yield { row: row + 1, line: parse(rest) };
}

/** As it would stand in a CSV file. */
function cellText(value: unknown, place: { file: string; row: number; column: string }): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new SyntheticError('synthetic/data', 'is no plain value', place);
}

const ROWS_PER_PIECE = 1_000;

/** Dates as text, missing values as null. */
export function* tableToNdjson(table: Table): Generator<string, void, void> {
  const cells = table.columns.map((column) => ({ key: JSON.stringify(column.name), text: jsonText(column) }));
  for (let from = 0; from < table.rows; from += ROWS_PER_PIECE) {
    let piece = '';
    for (let row = from; row < Math.min(table.rows, from + ROWS_PER_PIECE); row++)
      piece += `{${cells.map(({ key, text }) => `${key}:${text(row)}`).join(',')}}\n`;
    yield piece;
  }
}

function jsonText(column: Column): (row: number) => string {
  if (column.kind === 'category') {
    const words = column.words.map((word) => JSON.stringify(word));
    return (row) => {
      const code = column.codes[row] as number;
      return code < 0 ? 'null' : (words[code] as string);
    };
  }
  const { kind, values } = column;
  return (row) => {
    const value = values[row] as number;
    if (Number.isNaN(value)) return 'null';
    return kind === 'date' ? JSON.stringify(dayToDate(Math.floor(value))) : String(value);
  };
}
