/**
 * What every file format is read into: rows of cells as text, with the names of the columns, a few rows in memory at a time. An empty cell is
 * missing. Formats with types of their own (NDJSON, Parquet) are written as text here, so that one set of rules decides what a cell is.
 */

export interface TextRow {
  /** As people count: the first row of data is 1; in CSV the header is 0. */
  row: number;
  /** As many as there are names. */
  cells: readonly string[];
}

export interface Records {
  names: readonly string[];
  /** As many at a time as come out of a piece of the file. */
  batches: AsyncIterable<readonly TextRow[]>;
}

export interface ReadOptions {
  /** How the file is called in errors. */
  file: string;
  /** Cells that mean missing, besides empty ones. Default: none. */
  missing?: readonly string[];
  /** Told after every so many rows. */
  progress?: (rows: number) => void;
}

/** A file whose bytes are read where they are wanted: Parquet begins at its end. */
export interface RandomAccess {
  byteLength: number;
  /** From `start` to before `end`. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** A number as it is written in a cell; NaN for what is no decimal number. */
export function textToNumber(text: string): number {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
}

/** Days since 1970-01-01; NaN for what is no date. */
export function dateToDay(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return Number.NaN;
  const day = Date.parse(`${text}T00:00:00Z`) / 86_400_000;
  return dayToDate(day) === text ? day : Number.NaN;
}

/** Empty for NaN. */
export function dayToDate(day: number): string {
  const time = new Date(day * 86_400_000);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 10);
}

/** A cell in an error. */
export function quoted(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}...` : cell);
}
