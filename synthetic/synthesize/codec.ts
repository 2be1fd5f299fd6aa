/** A column as cells, and back: words or atoms, then bins, then missing. */
import { integer, uniform } from '../distributions.ts';
import { SyntheticError } from '../error.ts';
import type { RandomStream } from '../prng.ts';
import { columnOf, recodeColumn, type Column, type Table } from '../table.ts';
import { binCodes } from '../evaluate/pair.ts';
import type { CategorySchema, ColumnSchema, NumberSchema, TableSchema } from './schema.ts';

/** What a sampled column must be. */
export type Condition = { is: string | number | null } | { min?: number; max?: number };

export interface Codec {
  name: string;
  cells: number;
  /** The cells from `first` to `last` are neighbouring bins of numbers; null for words. */
  bins: { first: number; last: number } | null;
  /** @throws SyntheticError 'synthetic/data' with row and column */
  encode(column: Column): Int32Array;
  /** Values within the cells; within the bounds of the condition too. */
  decode(codes: Int32Array, stream: RandomStream, condition?: Condition): Column;
  /** How much of each cell satisfies the condition, 0 to 1. @throws SyntheticError 'synthetic/unsatisfiable' */
  satisfying(condition: Condition): Float64Array;
}

export function createCodec(schema: ColumnSchema): Codec {
  return schema.kind === 'category' ? categoryCodec(schema) : numberCodec(schema);
}

/** The cells of every row, column by column, of the schema's columns. @throws SyntheticError 'synthetic/data' */
export function encodeTable(table: Table, { columns }: TableSchema): Int32Array[] {
  return columns.map((column) => {
    if (!table.columns.some(({ name }) => name === column.name))
      throw new SyntheticError('synthetic/data', 'the table lacks it', { column: column.name });
    return createCodec(column).encode(columnOf(table, column.name));
  });
}

function categoryCodec({ name, words, other, missing = false }: CategorySchema): Codec {
  const cells = words.length + Number(missing);
  const unknown = other === undefined ? -2 : words.indexOf(other);
  return {
    name,
    cells,
    bins: null,
    encode(column) {
      if (column.kind !== 'category') throw misfit(name, 0, 'is no category');
      const { codes } = recodeColumn(column, words, unknown);
      return codes.map((code, row) => {
        if (code >= 0) return code;
        if (code === -2) {
          const word = column.words[column.codes[row] as number] as string;
          throw misfit(name, row, `${JSON.stringify(word.slice(0, 80))} is none of the schema's words`);
        }
        if (!missing) throw misfit(name, row, 'is missing, which the schema does not allow');
        return words.length;
      });
    },
    decode: (codes) => ({
      kind: 'category',
      name,
      words,
      codes: codes.map((code) => (code < words.length ? code : -1)),
    }),
    satisfying(condition) {
      const allowed = new Float64Array(cells);
      if (!('is' in condition)) throw unsatisfiable(name, 'has no bounds');
      const cell = condition.is === null ? words.length : words.indexOf(String(condition.is));
      if (cell < 0 || cell >= cells) throw unsatisfiable(name, `is never ${String(condition.is)}`);
      allowed[cell] = 1;
      return allowed;
    },
  };
}

function numberCodec(schema: NumberSchema): Codec {
  const { name, kind, min, max, atoms = [], missing = false } = schema;
  const { bins = 20, step = kind === 'date' ? 1 : undefined } = schema;
  const inner = Float64Array.from(
    schema.edges ?? Array.from({ length: bins - 1 }, (_, i) => min + ((max - min) * (i + 1)) / bins),
  );
  const places = [min, ...inner, max];
  const cells = atoms.length + inner.length + 1 + Number(missing);
  const atomCells = new Map(atoms.map((atom, cell) => [atom, cell]));

  /** Where a bin's values may lie, within the condition; empty where low > high. */
  const span = (bin: number, condition?: Condition): [number, number] => {
    const [low, high] = [places[bin] as number, places[bin + 1] as number];
    if (condition === undefined || 'is' in condition) return [low, high];
    return [Math.max(low, condition.min ?? -Infinity), Math.min(high, condition.max ?? Infinity)];
  };
  const within = (
    x: number,
    { min: low = -Infinity, max: high = Infinity }: { min?: number; max?: number },
  ) => x >= low && x <= high;

  return {
    name,
    cells,
    bins: { first: atoms.length, last: atoms.length + inner.length },
    encode(column) {
      if (column.kind === 'category') throw misfit(name, 0, 'is no number');
      const found = binCodes(column.values, inner);
      return Int32Array.from(column.values, (x, row) => {
        if (!Number.isNaN(x)) return atomCells.get(x) ?? atoms.length + (found[row] as number);
        if (!missing) throw misfit(name, row, 'is missing, which the schema does not allow');
        return cells - 1;
      });
    },
    decode(codes, stream, condition) {
      const last = atoms.length + inner.length;
      const values = Float64Array.from(codes, (code) => {
        if (code > last) return Number.NaN;
        if (code < atoms.length) return atoms[code] as number;
        if (condition !== undefined && 'is' in condition) return condition.is as number;
        const [low, high] = span(code - atoms.length, condition);
        return drawWithin(stream, low, high, code === last, step);
      });
      return { kind, name, values };
    },
    satisfying(condition) {
      const allowed = new Float64Array(cells);
      if ('is' in condition) {
        if (condition.is === null) allowed[cells - 1] = Number(missing);
        else if (typeof condition.is === 'number') {
          const bin = binCodes(Float64Array.of(condition.is), inner)[0] as number;
          const possible = condition.is >= min && condition.is <= max;
          const atom = atomCells.get(condition.is);
          allowed[atom ?? atoms.length + bin] = Number(atom !== undefined || possible);
        }
      } else {
        for (const [cell, atom] of atoms.entries()) allowed[cell] = Number(within(atom, condition));
        for (let bin = 0; bin <= inner.length; bin++) {
          const [low, high] = span(bin, condition);
          const width = (places[bin + 1] as number) - (places[bin] as number);
          const steps = step === undefined || Math.floor(high / step) >= Math.ceil(low / step);
          if (high >= low && steps) allowed[atoms.length + bin] = Math.max((high - low) / width, 1e-9);
        }
      }
      if (!allowed.some((share) => share > 0))
        throw unsatisfiable(name, `never is ${JSON.stringify(condition)}`);
      return allowed;
    },
  };
}

/** Even within [low, high), the last bin [low, high]; a multiple of the step where one lies there. */
function drawWithin(
  stream: RandomStream,
  low: number,
  high: number,
  last: boolean,
  step: number | undefined,
): number {
  const u = low + (high - low) * uniform(stream);
  if (step === undefined) return u;
  const first = Math.ceil(low / step - 1e-9);
  const end = last ? Math.floor(high / step + 1e-9) : Math.ceil(high / step - 1e-9) - 1;
  const multiple = end < first ? Math.round(u / step) : integer(stream, first, end);
  // 0.1 * 3 is not 0.3: the step's digits are kept.
  return Number((multiple * step).toPrecision(15));
}

function misfit(column: string, row: number, message: string): SyntheticError {
  return new SyntheticError('synthetic/data', message, { row: row + 1, column });
}

function unsatisfiable(column: string, message: string): SyntheticError {
  return new SyntheticError('synthetic/unsatisfiable', message, { column });
}
