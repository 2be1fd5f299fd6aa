/** What goes wrong with somebody's data, schema or wishes; mistakes of the calling code are RangeError and TypeError. */

export type SyntheticErrorCode =
  /** The schema itself is wrong. */
  | 'synthetic/schema'
  /** The data do not fit the schema; `row` and `column` say where. */
  | 'synthetic/data'
  /** The asked-for privacy cannot be promised. */
  | 'synthetic/privacy'
  /** No rows, or too few, satisfy the conditions or constraints. */
  | 'synthetic/unsatisfiable'
  /** The registry lacks it, or what lies there is not what was put there. */
  | 'synthetic/registry';

export interface Place {
  file?: string;
  /** As people count: the first row of data is 1. */
  row?: number;
  column?: string;
}

export class SyntheticError extends Error {
  readonly code: SyntheticErrorCode;
  readonly place: Place;
  /** The message without the place. */
  readonly reason: string;

  constructor(code: SyntheticErrorCode, message: string, place: Place = {}) {
    super(placed(message, place));
    this.name = 'SyntheticError';
    this.code = code;
    this.place = place;
    this.reason = message;
  }
}

function placed(message: string, { file, row, column }: Place): string {
  const where = [
    file,
    row === undefined ? undefined : `row ${row}`,
    column === undefined ? undefined : `column ${column}`,
  ].filter((part) => part !== undefined);
  return where.length === 0 ? message : `${where.join(', ')}: ${message}`;
}
