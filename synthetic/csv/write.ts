/** A table as CSV (RFC 4180, commas, LF), in pieces. */
import type { Column, Table } from '../table.ts';
import { dayToDate } from '../formats/records.ts';

const ROWS_PER_PIECE = 1_000;

/** The header and then rows; missing values are empty cells. */
export function* tableToCsv(table: Table): Generator<string, void, void> {
  yield csvHeader(table.columns.map(({ name }) => name));
  yield* csvRows(table);
}

export function csvHeader(names: readonly string[]): string {
  return `${names.map(escaped).join(',')}\n`;
}

export function* csvRows(table: Table): Generator<string, void, void> {
  const cells = table.columns.map(cellText);
  for (let from = 0; from < table.rows; from += ROWS_PER_PIECE) {
    let piece = '';
    for (let row = from; row < Math.min(table.rows, from + ROWS_PER_PIECE); row++)
      piece += `${cells.map((text) => text(row)).join(',')}\n`;
    yield piece;
  }
}

function cellText(column: Column): (row: number) => string {
  if (column.kind === 'category') {
    const words = column.words.map(escaped);
    return (row) => {
      const code = column.codes[row] as number;
      return code < 0 ? '' : (words[code] as string);
    };
  }
  if (column.kind === 'date') return (row) => dayToDate(Math.floor(column.values[row] as number));
  return (row) => {
    const value = column.values[row] as number;
    return Number.isNaN(value) ? '' : String(value);
  };
}

/** A lone column's empty word is quoted, or its row would be an empty line. */
function escaped(text: string): string {
  return /[",\r\n]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
}
