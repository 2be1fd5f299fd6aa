/**
 * Apache Parquet by way of hyparquet: row group by row group, so that memory holds one however long the file is. Files are read as flat tables
 * of plain values; whoever made one is not trusted, and what the library makes of a broken one ends as an error with the file's name.
 */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { SyntheticError } from '../error.ts';
import type { ColumnSchema, TableSchema } from '../synthesize/schema.ts';
import { columnOf, type Column, type Table } from '../table.ts';
import { dayToDate, type RandomAccess, type Records, type TextRow } from './records.ts';

/** Row groups of other writers may be large: they are read in parts of so many rows. */
const ROWS_AT_A_TIME = 20_000;

/** `from` and `to` cut out rows, counted from 0. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function openParquet(
  source: RandomAccess,
  { file, from = 0, to = Infinity }: { file: string; from?: number; to?: number },
): Promise<Records & { size: number }> {
  const metadata = await readable(file, () => parquetMetadataAsync(source));
  const size = Number(metadata.num_rows);
  const { children } = parquetSchema(metadata);
  const names = children.map(({ element }) => element.name);
  const nested = children.find(
    (child) => child.children.length > 0 || child.element.repetition_type === 'REPEATED',
  );
  if (nested !== undefined)
    throw new SyntheticError('synthetic/data', 'holds lists or structures, not plain values', {
      file,
      column: nested.element.name,
    });
  async function* batches(): AsyncGenerator<TextRow[], void, void> {
    const end = Math.min(to, size);
    for (let start = from; start < end; start += ROWS_AT_A_TIME) {
      const rowEnd = Math.min(end, start + ROWS_AT_A_TIME);
      const objects = await readable(file, () =>
        parquetReadObjects({
          file: source,
          metadata,
          rowStart: start,
          rowEnd,
          parsers: {
            dateFromDays: (day: number | null) => (typeof day === 'number' ? dayToDate(day) : null),
          },
        }),
      );
      yield objects.map((object, i) => {
        const row = start + i + 1;
        return { row, cells: names.map((column) => cellText(object[column], { file, row, column })) };
      });
    }
  }
  return { names, size, batches: batches() };
}

async function readable<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new SyntheticError(
      'synthetic/data',
      `is no readable Parquet file: ${error instanceof Error ? error.message : String(error)}`,
      { file },
    );
  }
}

function cellText(value: unknown, place: { file: string; row: number; column: string }): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  throw new SyntheticError('synthetic/data', 'is no plain value', place);
}

/** Each table a row group. Whole numbers where the schema's step says so, else doubles; every column may lack values. */
export async function* tablesToParquet(
  tables: AsyncIterable<Table> | Iterable<Table>,
  { columns }: TableSchema,
): AsyncGenerator<Uint8Array, void, void> {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(columnElement),
  ];
  const parquet = new ParquetWriter({ writer, schema, createdBy: 'twinkeep-synthetic' });
  const taken = (): Uint8Array => {
    const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
    writer.index = 0;
    return bytes;
  };
  for await (const table of tables) {
    if (table.rows === 0) continue;
    const columnData = columns.map((column) => ({
      name: column.name,
      data: columnCells(columnOf(table, column.name), column.kind !== 'category' && wholeNumbers(column)),
    }));
    await parquet.write({ columnData, rowGroupSize: table.rows });
    yield taken();
  }
  await parquet.finish();
  yield taken();
}

function columnElement(column: ColumnSchema): SchemaElement {
  const { name } = column;
  const repetition_type = 'OPTIONAL' as const;
  if (column.kind === 'category')
    return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type };
  if (column.kind === 'date') return { name, type: 'INT32', converted_type: 'DATE', repetition_type };
  return { name, type: wholeNumbers(column) ? 'INT32' : 'DOUBLE', repetition_type };
}

function wholeNumbers({ min, max, step, atoms = [] }: Exclude<ColumnSchema, { kind: 'category' }>): boolean {
  return (
    step !== undefined &&
    Number.isInteger(step) &&
    [min, max, ...atoms].every((x) => Number.isInteger(x) && Math.abs(x) < 2 ** 31)
  );
}

function columnCells(column: Column, whole: boolean): (number | string | null)[] {
  if (column.kind === 'category')
    return Array.from(column.codes, (code) => (code < 0 ? null : (column.words[code] as string)));
  const { kind, name, values } = column;
  return Array.from(values, (value) => {
    if (Number.isNaN(value)) return null;
    if (kind === 'date') return Math.floor(value);
    if (whole && (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31))
      throw new SyntheticError('synthetic/data', `${value} is no whole number, as the schema's step says`, {
        column: name,
      });
    return value;
  });
}
