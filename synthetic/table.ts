/** Tables in memory, column by column: what synthesizers are fitted on and metrics compare. */

/** Numbers; dates are whole or broken days since 1970-01-01. NaN = missing. */
export interface NumberColumn {
  kind: 'number' | 'date';
  name: string;
  values: Float64Array;
}

/** `codes` are places in `words`; -1 = missing. Words are distinct; some may occur in no row. */
export interface CategoryColumn {
  kind: 'category';
  name: string;
  words: readonly string[];
  codes: Int32Array;
}

export type Column = NumberColumn | CategoryColumn;

export interface Table {
  rows: number;
  columns: readonly Column[];
}

/** @throws RangeError for columns of different lengths, equal names, or codes and words that do not fit */
export function createTable(columns: readonly Column[]): Table {
  const rows = columns.length === 0 ? 0 : columnLength(columns[0] as Column);
  const names = new Set<string>();
  for (const column of columns) {
    if (names.has(column.name)) throw new RangeError(`two columns are named ${column.name}`);
    names.add(column.name);
    if (columnLength(column) !== rows)
      throw new RangeError(`${column.name} has ${columnLength(column)} rows, not ${rows}`);
    if (column.kind !== 'category') continue;
    if (new Set(column.words).size !== column.words.length)
      throw new RangeError(`${column.name} has a word twice`);
    if (column.codes.some((code) => code < -1 || code >= column.words.length))
      throw new RangeError(`${column.name} has a code without a word`);
  }
  return { rows, columns };
}

/** A cell as people write it: a number, a date in days, a word; null = missing. */
export type Cell = number | string | null;

/** A column from its cells. @throws TypeError for a cell of another type */
export function cellsToColumn(name: string, kind: Column['kind'], cells: readonly Cell[]): Column {
  if (kind !== 'category') {
    const values = Float64Array.from(cells, (cell) => {
      if (cell !== null && typeof cell !== 'number') throw new TypeError(`${name}: ${cell} is no number`);
      return cell ?? Number.NaN;
    });
    return { kind, name, values };
  }
  const places = new Map<string, number>();
  const codes = Int32Array.from(cells, (cell) => {
    if (cell === null) return -1;
    const word = String(cell);
    const place = places.get(word);
    if (place !== undefined) return place;
    places.set(word, places.size);
    return places.size - 1;
  });
  return { kind, name, words: [...places.keys()], codes };
}

/** @throws RangeError where there is none of this name */
export function columnOf(table: Table, name: string): Column {
  const found = table.columns.find((column) => column.name === name);
  if (found === undefined) throw new RangeError(`no column is named ${name}`);
  return found;
}

/** The given rows, in the given order; a row may be taken more than once. */
export function selectRows(table: Table, indices: ArrayLike<number>): Table {
  const rows = Int32Array.from(indices);
  const columns = table.columns.map((column): Column => {
    if (column.kind !== 'category')
      return { ...column, values: Float64Array.from(rows, (row) => column.values[row] as number) };
    return { ...column, codes: rows.map((row) => column.codes[row] as number) };
  });
  return { rows: rows.length, columns };
}

/** The rows of the second below those of the first, of the columns of the first. */
export function stackTables(first: Table, second: Table): Table {
  return createTable(
    first.columns.map((column): Column => {
      const other = columnOf(second, column.name);
      if (column.kind === 'category' && other.kind === 'category') {
        const words = [...new Set([...column.words, ...other.words])];
        const codes = new Int32Array(first.rows + second.rows);
        codes.set(recodeColumn(column, words).codes);
        codes.set(recodeColumn(other, words).codes, first.rows);
        return { ...column, words, codes };
      }
      if (column.kind === 'category' || other.kind === 'category')
        throw new RangeError(`${column.name} is of another kind in the other table`);
      const values = new Float64Array(first.rows + second.rows);
      values.set(column.values);
      values.set(other.values, first.rows);
      return { ...column, values };
    }),
  );
}

/** The same column with its codes for other words; a word that is not among them becomes `unknown`. */
export function recodeColumn(column: CategoryColumn, words: readonly string[], unknown = -1): CategoryColumn {
  const places = new Map(words.map((word, place) => [word, place]));
  const table = column.words.map((word) => places.get(word) ?? unknown);
  const codes = column.codes.map((code) => (code < 0 ? -1 : (table[code] as number)));
  return { ...column, words, codes };
}

function columnLength(column: Column): number {
  return column.kind === 'category' ? column.codes.length : column.values.length;
}
