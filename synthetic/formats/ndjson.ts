/**
 * NDJSON: one JSON object per line, one line per row. Whoever made the file is not trusted: lines are bounded, a line is an object of plain
 * values, and every refusal says in which row. The first row names the columns.
 */
import { readLines } from '../csv/rows.ts';
import { SyntheticError } from '../error.ts';
import type { Column, Table } from '../table.ts';
import { dayToDate, type Records, type TextRow } from './records.ts';

type Line = Readonly<Record<string, unknown>>;

/** Reads the first rows. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function openNdjson(
  chunks: AsyncIterable<Uint8Array>,
  { file, names: given }: { file: string; names?: readonly string[] },
): Promise<Records> {
  const objects = readObjects(chunks, file);
  const first = await objects.next();
  const head = first.done === true ? undefined : first.value[0];
  if (head === undefined && given === undefined)
    throw new SyntheticError('synthetic/data', 'the file is empty', { file });
  const names = given ?? Object.keys((head as Numbered).line);
  const known = new Set(names);
  const toRow = ({ row, line }: Numbered): TextRow => {
    for (const column in line)
      if (!known.has(column))
        throw new SyntheticError('synthetic/data', 'is not in the first row', { file, row, column });
    return { row, cells: names.map((name) => cellText(line[name], { file, row, column: name })) };
  };
  async function* batches(): AsyncGenerator<TextRow[], void, void> {
    if (first.done !== true) yield first.value.map(toRow);
    for await (const lines of objects) yield lines.map(toRow);
  }
  return { names, batches: batches() };
}

interface Numbered {
  row: number;
  line: Line;
}

/** Batches of at least one. */
async function* readObjects(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Numbered[], void, void> {
  let row = 0;
  const parse = (text: string): Numbered => {
    row++;
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      throw new SyntheticError('synthetic/data', 'is no JSON', { file, row });
    }
    if (typeof line !== 'object' || line === null || Array.isArray(line))
      throw new SyntheticError('synthetic/data', 'is no JSON object', { file, row });
    return { row, line: line as Line };
  };
  // Pieces end at line ends.
  for await (const { text } of readLines(chunks, file, () => row + 1)) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length > 0) yield lines.map(parse);
  }
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
