/** Rows of any format as tables: whole, or a piece of the file at a time. */
import { SyntheticError } from '../error.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import { createTable, type Table } from '../table.ts';
import { createBuilder, createInferringBuilder, type ColumnBuilder } from './columns.ts';
import type { ReadOptions, Records } from './records.ts';

const PROGRESS_ROWS = 10_000;

/** Of the columns of the schema, others left out; without one all, of the types that their cells show. @throws SyntheticError 'synthetic/data' */
export async function recordsToTable(
  records: Records,
  options: ReadOptions & { schema?: TableSchema },
): Promise<Table> {
  const { file, schema } = options;
  const builders =
    schema === undefined
      ? records.names.map((name, place) => ({ place, builder: createInferringBuilder(name, file) }))
      : schemaBuilders(records.names, schema, file);
  await fill(records, builders, options, Infinity);
  return createTable(builders.map(({ builder }) => builder.column()));
}

/** At most `rows` rows at a time: memory holds one piece, however long the file is. */
export async function* recordsToTables(
  records: Records,
  options: ReadOptions & { schema: TableSchema },
  rows: number,
): AsyncGenerator<Table, void, void> {
  const iterator = records.rows[Symbol.asyncIterator]();
  // A generator that is left early would end the rows of all pieces.
  const kept = {
    names: records.names,
    rows: { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) },
  };
  try {
    for (let more = true; more;) {
      const builders = schemaBuilders(records.names, options.schema, options.file);
      more = await fill(kept, builders, options, rows);
      const table = createTable(builders.map(({ builder }) => builder.column()));
      if (table.rows > 0) yield table;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Whether there may be more rows. */
async function fill(
  { names, rows }: Records,
  builders: readonly { place: number; builder: ColumnBuilder }[],
  { missing = [], progress }: ReadOptions,
  most: number,
): Promise<boolean> {
  let filled = 0;
  if (names.length === 0) return false;
  for await (const { row, cells } of rows) {
    for (const { place, builder } of builders) {
      const cell = cells[place] as string;
      builder.add(cell === '' || missing.includes(cell) ? null : cell, row);
    }
    if (row % PROGRESS_ROWS === 0) progress?.(row);
    if (++filled === most) return true;
  }
  return false;
}

function schemaBuilders(
  names: readonly string[],
  schema: TableSchema,
  file: string,
): { place: number; builder: ColumnBuilder }[] {
  return schema.columns.map((column) => {
    const place = names.indexOf(column.name);
    if (place < 0)
      throw new SyntheticError(
        'synthetic/data',
        `is not among the columns${separatorHint(names, column.name)}`,
        {
          file,
          row: 0,
          column: column.name,
        },
      );
    return { place, builder: createBuilder(column, file) };
  });
}

/** Where a name holds the wanted one between other separators, the file is one of those. */
function separatorHint(names: readonly string[], wanted: string): string {
  const other = [',', ';', '\t', '|'].find((separator) =>
    names.some((name) => name.includes(separator) && name.split(separator).includes(wanted)),
  );
  return other === undefined ? '' : `; it seems to be separated by ${JSON.stringify(other)}`;
}
