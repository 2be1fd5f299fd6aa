/** Rows of any format as tables: whole, or a piece of the file at a time. */
import { SyntheticError } from '../error.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import { createTable, type Table } from '../table.ts';
import { createBuilder, createInferringBuilder, type ColumnBuilder } from './columns.ts';
import type { ReadOptions, Records, TextRow } from './records.ts';

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
  const add = createAdder(options);
  for await (const batch of records.batches) for (const row of batch) add(builders, row);
  return builtTable(builders);
}

/** At most `rows` rows at a time: memory holds one piece, however long the file is. */
export async function* recordsToTables(
  records: Records,
  options: ReadOptions & { schema: TableSchema },
  rows: number,
): AsyncGenerator<Table, void, void> {
  const begin = (): Built[] => schemaBuilders(records.names, options.schema, options.file);
  const add = createAdder(options);
  let builders = begin();
  let filled = 0;
  for await (const batch of records.batches)
    for (const row of batch) {
      add(builders, row);
      if (++filled < rows) continue;
      yield builtTable(builders);
      builders = begin();
      filled = 0;
    }
  if (filled > 0) yield builtTable(builders);
}

interface Built {
  place: number;
  builder: ColumnBuilder;
}

function builtTable(builders: readonly Built[]): Table {
  return createTable(builders.map(({ builder }) => builder.column()));
}

function createAdder({
  missing = [],
  progress,
}: ReadOptions): (builders: readonly Built[], row: TextRow) => void {
  const gone = new Set(['', ...missing]);
  return (builders, { row, cells }) => {
    for (const { place, builder } of builders) {
      const cell = cells[place] as string;
      builder.add(gone.has(cell) ? null : cell, row);
    }
    if (row % PROGRESS_ROWS === 0) progress?.(row);
  };
}

function schemaBuilders(names: readonly string[], schema: TableSchema, file: string): Built[] {
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
