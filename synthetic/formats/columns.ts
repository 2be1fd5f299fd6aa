/** Columns made of cells, of the type that a schema says or the cells show. */
import { SyntheticError } from '../error.ts';
import type { ColumnSchema } from '../synthesize/schema.ts';
import type { Column } from '../table.ts';
import { createKindTracker, MAX_WORDS, tooManyWords } from './kind.ts';
import { dateToDay, quoted, textToNumber } from './records.ts';

export interface ColumnBuilder {
  /** null = missing. @throws SyntheticError 'synthetic/data' with file, row and column */
  add(cell: string | null, row: number): void;
  column(): Column;
}

/** Of the type that the schema says. */
export function createBuilder(schema: ColumnSchema, file: string): ColumnBuilder {
  const { name, kind } = schema;
  const place = (row: number) => ({ file, row, column: name });
  if (kind !== 'category') {
    const values: number[] = [];
    return {
      add(cell, row) {
        if (cell === null) return void values.push(missingOf(schema.missing, place(row)));
        const value = kind === 'date' ? dateToDay(cell) : textToNumber(cell);
        if (Number.isNaN(value))
          throw new SyntheticError('synthetic/data', `${quoted(cell)} is no ${kind}`, place(row));
        values.push(value);
      },
      column: () => ({ kind, name, values: Float64Array.from(values) }),
    };
  }
  const words = new Map(schema.words.map((word, code) => [word, code]));
  const other = schema.other === undefined ? undefined : words.get(schema.other);
  const codes: number[] = [];
  return {
    add(cell, row) {
      const code = words.get(cell ?? '');
      if (code !== undefined) codes.push(code);
      else if (cell === null) {
        missingOf(schema.missing, place(row));
        codes.push(-1);
      } else if (other !== undefined) codes.push(other);
      else
        throw new SyntheticError(
          'synthetic/data',
          `${quoted(cell)} is none of the schema's words`,
          place(row),
        );
    },
    column: () => ({ kind: 'category', name, words: schema.words, codes: Int32Array.from(codes) }),
  };
}

function missingOf(
  allowed: boolean | undefined,
  place: { file: string; row: number; column: string },
): number {
  if (allowed === true) return Number.NaN;
  throw new SyntheticError('synthetic/data', 'is missing, which the schema does not allow', place);
}

/** A number or a date while every cell is one, else words. */
export function createInferringBuilder(name: string, file: string): ColumnBuilder {
  const words = new Map<string, number>();
  const codes: number[] = [];
  const tracker = createKindTracker(name, file);
  return {
    add(cell, row) {
      if (cell === null) return void codes.push(-1);
      tracker.see(cell, row);
      let code = words.get(cell);
      if (code === undefined) words.set(cell, (code = words.size));
      codes.push(code);
      if (tracker.kind() === 'category' && words.size > MAX_WORDS) throw tooManyWords(name, file, row);
    },
    column() {
      const list = [...words.keys()];
      const kind = tracker.kind();
      if (kind === 'category') return { kind, name, words: list, codes: Int32Array.from(codes) };
      const values = list.map(kind === 'date' ? dateToDay : textToNumber);
      return {
        kind,
        name,
        values: Float64Array.from(codes, (code) => (code < 0 ? Number.NaN : (values[code] as number))),
      };
    },
  };
}
