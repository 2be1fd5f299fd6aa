/**
 * A CSV file, row by row. The file is the operator's, written by who knows which export: everything that is wrong with it is
 * said with its file, row and column, and never with a value, since a shifted column would put a person into an error message.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { parse as parseText } from 'csv-parse/sync';
import { RegionError } from '../errors.ts';
import type { CsvFormat } from '../mapping/mapping.ts';
import type { Row } from '../mapping/row.ts';
import { readLines, readText } from './text.ts';

export interface CsvRow {
  /** As a spreadsheet counts: the header is row 1. */
  row: number;
  cells: Row;
}

/** Longer than any row of a customer table; a quote that never closes would otherwise swallow the file. */
const MAX_ROW_CHARACTERS = 262_144;

/**
 * @param needed columns that the header must have
 * @throws RegionError 'import/unreadable', 'import/encoding', 'import/format', 'import/column-missing', 'import/empty'
 */
export async function* readCsv(
  file: string,
  format: CsvFormat,
  needed: readonly string[],
): AsyncGenerator<CsvRow> {
  const name = basename(file);
  const options = {
    delimiter: format.delimiter ?? ',',
    quote: format.quote ?? '"',
    relax_column_count: true,
  };
  const header = checkHeader(name, await firstRow(file, options), needed, options.delimiter);
  let row = 0;
  try {
    for await (const cells of records(file, options)) {
      row++;
      if (row === 1) continue;
      if (cells.length !== header.length) {
        const counts = `${cells.length} cells, and the header has ${header.length}`;
        throw new RegionError('import/format', `${name}, row ${row}: it has ${counts}: is a quote missing?`);
      }
      yield { row, cells: Object.fromEntries(header.map((column, i) => [column, cells[i] ?? ''])) };
    }
  } catch (error) {
    throw error instanceof CsvError ? refuseRow(name, error) : error;
  }
  if (row <= 1) throw new RegionError('import/empty', `${name}: there is a header, and no customer below it`);
}

type ParserOptions = { delimiter: string; quote: string; relax_column_count: boolean };

/** By itself, so that a wrong delimiter is named before the first row that it spoils. */
async function firstRow(file: string, options: ParserOptions): Promise<string[]> {
  const name = basename(file);
  for await (const line of readLines(createReadStream(file), name)) {
    if (line.trim() === '') continue;
    const [cells] = parseText(line, { ...options, relax_quotes: true });
    if (cells !== undefined) return cells;
  }
  throw new RegionError('import/empty', `${name}: the file is empty`);
}

function records(file: string, options: ParserOptions): AsyncIterable<string[]> {
  const parser = parse({ ...options, skip_empty_lines: true, max_record_size: MAX_ROW_CHARACTERS });
  // What fails on the way destroys the parser, whose reader then throws it.
  pipeline(Readable.from(readText(createReadStream(file), basename(file))), parser, () => {});
  return parser as AsyncIterable<string[]>;
}

function checkHeader(name: string, cells: string[], needed: readonly string[], delimiter: string): string[] {
  const header = cells.map((cell) => cell.trim());
  const missing = needed.filter((column) => !header.includes(column));
  if (missing.length > 0 && header.length === 1) {
    const other = [';', ',', '\t', '|'].find((each) => (header[0] as string).includes(each));
    const hint = other === undefined ? '' : `; there are ${JSON.stringify(other)} in it`;
    throw new RegionError(
      'import/format',
      `${name}, row 1: with the delimiter ${JSON.stringify(delimiter)} the header is a single column${hint}`,
    );
  }
  if (missing.length > 0) {
    const has = header.join(', ').slice(0, 1_000);
    throw new RegionError(
      'import/column-missing',
      `${name}, row 1: there is no column ${missing.join(', ')}; the header has ${has}`,
    );
  }
  const twice = header.find((column, i) => header.indexOf(column) !== i && needed.includes(column));
  if (twice !== undefined)
    throw new RegionError('import/format', `${name}, row 1: column ${twice} stands there twice`);
  return header;
}

/** The parser's own messages quote the row, which is personal. It counts the rows before the one that it could not read. */
function refuseRow(name: string, error: CsvError): RegionError {
  const { code, records: before = 0 } = error as CsvError & { records?: number };
  return new RegionError(
    'import/format',
    `${name}, row ${before + 1}: ${PLAIN_MESSAGES[code] ?? `it cannot be read (${code})`}`,
    {
      cause: error,
    },
  );
}

const PLAIN_MESSAGES: Partial<Record<CsvError['code'], string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE:
    'after a closing quote there is text before the next delimiter: is a quote missing before?',
  INVALID_OPENING_QUOTE: 'a quote stands in the middle of a cell',
  CSV_MAX_RECORD_SIZE: `it is longer than ${MAX_ROW_CHARACTERS} characters: is a quote never closed?`,
};
