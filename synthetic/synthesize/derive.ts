/** A schema read off the data, for what needs no epsilon: from a table in memory, or from the rows of a file that is larger than memory. */
import { integer } from '../distributions.ts';
import { presentValues } from '../evaluate/marginal.ts';
import { createKindTracker, MAX_WORDS, tooManyWords } from '../formats/kind.ts';
import { dateToDay, textToNumber, type ReadOptions, type Records } from '../formats/records.ts';
import { createRandomSource } from '../prng.ts';
import type { Table } from '../table.ts';
import type { ColumnSchema, TableSchema } from './schema.ts';

const DERIVED_BINS = 20;
const ATOM_SHARE = 0.05;

/** Quantiles for bins, frequent values for atoms. */
export function schemaFromTable(table: Table): TableSchema {
  const columns = table.columns.map((column): ColumnSchema => {
    if (column.kind === 'category') {
      const used = new Set(column.codes);
      return categoryFrom(
        column.name,
        column.words.filter((_, code) => used.has(code)),
        used.has(-1),
      );
    }
    const present = presentValues(column.values);
    return numberFrom(column.kind, column.name, present, {
      missing: present.length < column.values.length,
      min: present[0] ?? 0,
      max: present.at(-1) ?? 0,
      step: commonStep(present),
    });
  });
  return { columns, derived: true };
}

/** Words, bounds, steps and what is missing are exact; bins and atoms come from a sample of so many rows. */
const SAMPLED = 20_000;
const PROGRESS_ROWS = 10_000;

/** Memory holds the words and a sample of the numbers. @throws SyntheticError 'synthetic/data' with file, row and column */
export async function schemaFromRecords(
  { names, batches }: Records,
  { file, missing = [], progress }: ReadOptions,
): Promise<{ schema: TableSchema; rows: number }> {
  const readers = names.map((name, column) => createReader(name, column, file));
  let count = 0;
  const gone = new Set(['', ...missing]);
  for await (const batch of batches)
    for (const { row, cells } of batch) {
      count++;
      for (const [column, reader] of readers.entries()) {
        const cell = cells[column] as string;
        reader.add(gone.has(cell) ? null : cell, row);
      }
      if (row % PROGRESS_ROWS === 0) progress?.(row);
    }
  return { schema: { columns: readers.map((reader) => reader.schema()), derived: true }, rows: count };
}

interface Reader {
  add(cell: string | null, row: number): void;
  schema(): ColumnSchema;
}

function createReader(name: string, column: number, file: string): Reader {
  const tracker = createKindTracker(name, file);
  // The place in the sample is drawn from a fixed seed: the same file has the same schema.
  const stream = createRandomSource(1).stream(column, 'schema-sample');
  const words = new Set<string>();
  const sample: number[] = [];
  let [missing, present, min, max, digits] = [false, 0, Infinity, -Infinity, 0];
  const addNumber = (value: number): void => {
    min = Math.min(min, value);
    max = Math.max(max, value);
    while (digits < STEPS.length && !isMultiple(value, STEPS[digits] as number)) digits++;
    if (sample.length < SAMPLED) sample.push(value);
    else {
      const place = integer(stream, 0, present - 1);
      if (place < SAMPLED) sample[place] = value;
    }
  };
  return {
    add(cell, row) {
      if (cell === null) return void (missing = true);
      present++;
      tracker.see(cell, row);
      const kind = tracker.kind();
      // A young column of numbers may still turn out to be one of words, among which they are then.
      if (kind === 'category' || words.size <= SAMPLED) words.add(cell);
      if (kind !== 'category') addNumber(kind === 'date' ? dateToDay(cell) : textToNumber(cell));
      else if (words.size > MAX_WORDS) throw tooManyWords(name, file, row);
    },
    schema() {
      const kind = tracker.kind();
      if (kind === 'category') return categoryFrom(name, [...words], missing);
      return numberFrom(kind, name, Float64Array.from(sample).sort(), {
        missing,
        min,
        max,
        step: STEPS[digits],
      });
    },
  };
}

function categoryFrom(name: string, words: string[], missing: boolean): ColumnSchema {
  return { kind: 'category', name, words: words.length === 0 ? [''] : words, missing };
}

function numberFrom(
  kind: 'number' | 'date',
  name: string,
  present: Float64Array,
  { missing, min, max, step }: { missing: boolean; min: number; max: number; step: number | undefined },
): ColumnSchema {
  if (min === max) return { kind, name, min, max: min + 1, bins: 1, atoms: [min], missing };
  return {
    kind,
    name,
    min,
    max,
    edges: quantiles(present).filter((edge) => edge > min && edge < max),
    ...(step === undefined ? {} : { step }),
    atoms: frequentValues(present),
    missing,
  };
}

function quantiles(present: Float64Array): number[] {
  const edges = new Set<number>();
  for (let i = 1; i < DERIVED_BINS; i++)
    edges.add(present[Math.floor((i * present.length) / DERIVED_BINS)] as number);
  return [...edges];
}

/** All values where there are few, else those with a share of their own. */
function frequentValues(present: Float64Array): number[] {
  const counts = new Map<number, number>();
  for (const x of present) counts.set(x, (counts.get(x) ?? 0) + 1);
  const least = counts.size <= DERIVED_BINS ? 0 : ATOM_SHARE * present.length;
  return [...counts].filter(([, count]) => count > least).map(([x]) => x);
}

const STEPS = [1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6] as const;

/** The power of ten, from 1 down to a millionth, that all values are multiples of. */
function commonStep(present: Float64Array): number | undefined {
  return STEPS.find((step) => present.every((x) => isMultiple(x, step)));
}

function isMultiple(x: number, step: number): boolean {
  return Math.abs(x / step - Math.round(x / step)) < 1e-6;
}
