/**
 * The entry `@twinkeep/synthetic/formats`: tables from CSV, NDJSON and Parquet and back, a piece at a time, so that a file may be larger than
 * memory. Runs anywhere.
 */
import { openCsv } from '../csv/read.ts';
import { csvHeader, csvRows } from '../csv/write.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import type { Table } from '../table.ts';
import { openNdjson, tableToNdjson } from './ndjson.ts';
import { openParquet, tablesToParquet } from './parquet.ts';
import type { RandomAccess, Records } from './records.ts';

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

/** By the end of a file's name; null for others. */
export function formatOf(file: string): Format | null {
  const end = /\.([^./\\]+)$/.exec(file)?.[1]?.toLowerCase();
  if (end === 'jsonl') return 'ndjson';
  return FORMATS.find((format) => format === end) ?? null;
}

/** A file's bytes, in order or where they are wanted. */
export interface Source {
  chunks(): AsyncIterable<Uint8Array>;
  access(): Promise<RandomAccess>;
}

/** @throws SyntheticError 'synthetic/data' with file, row and column */
export async function openRecords(source: Source, format: Format, file: string): Promise<Records> {
  if (format === 'parquet') return openParquet(await source.access(), { file });
  return format === 'csv' ? openCsv(source.chunks(), { file }) : openNdjson(source.chunks(), { file });
}

/** A file of all tables, one below the other; each has the columns of the schema. */
export async function* tablesToBytes(
  tables: AsyncIterable<Table> | Iterable<Table>,
  schema: TableSchema,
  format: Format,
): AsyncGenerator<Uint8Array, void, void> {
  if (format === 'parquet') return yield* tablesToParquet(tables, schema);
  const encoder = new TextEncoder();
  if (format === 'csv') yield encoder.encode(csvHeader(schema.columns.map(({ name }) => name)));
  for await (const table of tables) yield encoder.encode(tableToText(table, format));
}

/** Rows of the table as they stand in a file, without a header. */
export function tableToText(table: Table, format: 'csv' | 'ndjson'): string {
  return [...(format === 'csv' ? csvRows(table) : tableToNdjson(table))].join('');
}

export { SyntheticError, type Place, type SyntheticErrorCode } from '../error.ts';
export { openCsv } from '../csv/read.ts';
export { openNdjson } from './ndjson.ts';
export { openParquet } from './parquet.ts';
export { type RandomAccess, type ReadOptions, type Records, type TextRow } from './records.ts';
export { recordsToTable, recordsToTables } from './tables.ts';
