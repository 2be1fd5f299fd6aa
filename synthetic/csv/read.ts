/** A CSV file as rows, and as a table: of the types that a schema says, or of those that its cells show. */
import { SyntheticError } from '../error.ts';
import type { ReadOptions, Records, TextRow } from '../formats/records.ts';
import { recordsToTable } from '../formats/tables.ts';
import type { Table } from '../table.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import { readRows } from './rows.ts';

export interface CsvOptions extends ReadOptions {
  /** One character. Default: the one of comma, semicolon, tab and bar that the header shows. */
  separator?: string;
  /** Its columns are read, others skipped; words, bounds and missing values are the schema's business. Default: types by the cells. */
  schema?: TableSchema;
}

const SEPARATORS = [',', ';', '\t', '|'] as const;

/** Dates are `2026-01-31`. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function readCsv(chunks: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<Table> {
  return recordsToTable(await openCsv(chunks, options), options);
}

/** The header is read, the rows come as they are asked for. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function openCsv(
  chunks: AsyncIterable<Uint8Array>,
  options: { file: string; separator?: string },
): Promise<Records & { separator: string }> {
  const { file } = options;
  const { separator, rest } = await findSeparator(chunks, options);
  const batches = readRows(rest, separator, file);
  const first = await batches.next();
  if (first.done === true) throw new SyntheticError('synthetic/data', 'the file is empty', { file });
  const [header, ...others] = first.value;
  const names = (header as TextRow).cells;
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new SyntheticError('synthetic/data', 'occurs twice in the header', { file, row: 0, column: twice });
  const even = (rows: readonly TextRow[]): readonly TextRow[] => {
    const uneven = rows.find(({ cells }) => cells.length !== names.length);
    if (uneven === undefined) return rows;
    throw new SyntheticError(
      'synthetic/data',
      `has ${uneven.cells.length} cells where the header has ${names.length}`,
      { file, row: uneven.row },
    );
  };
  async function* evenBatches(): AsyncGenerator<readonly TextRow[], void, void> {
    yield even(others);
    for await (const rows of batches) yield even(rows);
  }
  return { names, separator, batches: evenBatches() };
}

/** The first line is looked at and given back. */
async function findSeparator(
  chunks: AsyncIterable<Uint8Array>,
  { separator }: { separator?: string },
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
