/** What a column is, by the cells seen so far: a number or a date while every cell is one, else words. */
import { SyntheticError } from '../error.ts';
import { dateToDay, quoted, textToNumber } from './records.ts';

export interface KindTracker {
  /** @throws SyntheticError 'synthetic/data' where a settled number or date turns out to be something else */
  see(cell: string, row: number): void;
  kind(): 'number' | 'date' | 'category';
}

/** A column that has been a number for so long is not taken for words when a cell is none. */
export const SETTLED_ROWS = 1_000;
export const MAX_WORDS = 100_000;

export function createKindTracker(column: string, file: string): KindTracker {
  let kind: 'number' | 'date' | 'category' | null = null;
  let present = 0;
  return {
    see(cell, row) {
      const found = kindOf(cell);
      kind ??= found;
      if (found !== kind && kind !== 'category') {
        if (present >= SETTLED_ROWS)
          throw new SyntheticError(
            'synthetic/data',
            `${quoted(cell)} is no ${kind}, as the ${present} values before are; a schema says what is meant`,
            { file, row, column },
          );
        kind = 'category';
      }
      present++;
    },
    kind: () => kind ?? 'category',
  };
}

function kindOf(cell: string): 'number' | 'date' | 'category' {
  if (!Number.isNaN(textToNumber(cell))) return 'number';
  return Number.isNaN(dateToDay(cell)) ? 'category' : 'date';
}

export function tooManyWords(column: string, file: string, row: number): SyntheticError {
  return new SyntheticError(
    'synthetic/data',
    `has more than ${MAX_WORDS} different words; leave it out or name its words in a schema`,
    { file, row, column },
  );
}
