/** A table's columns as small whole numbers for the trees, in the terms of the table that they are trained on. */
import { columnOf, type CategoryColumn, type Column, type Table } from '../table.ts';
import { presentValues } from './marginal.ts';
import { binCodes } from './pair.ts';

const MAX_BINS = 64;
const MAX_WORDS = 250;
/** A word's share of the target counts as if it came with so many rows of average share. */
const PRIOR_ROWS = 10;

export interface FeatureBins {
  /** Bins of each feature, the one of missing values included. */
  sizes: readonly number[];
  /** Where each feature's bins begin when all are laid in a row, and how many there are. */
  offsets: readonly number[];
  total: number;
  /** Per feature, the bin of each row. */
  bins(table: Table): Uint8Array[];
}

export function createFeatureBins(table: Table, labels: Uint8Array, ignore: readonly string[]): FeatureBins {
  const encoders = table.columns
    .filter(({ name }) => !ignore.includes(name))
    .map((column) => ({ name: column.name, ...columnEncoder(column, labels) }));
  const sizes = encoders.map(({ size }) => size);
  const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  return {
    sizes,
    offsets,
    total: sizes.reduce((sum, size) => sum + size, 0),
    bins: (other) => encoders.map(({ name, encode }) => encode(columnOf(other, name))),
  };
}

interface Encoder {
  size: number;
  encode(column: Column): Uint8Array;
}

function columnEncoder(column: Column, labels: Uint8Array): Encoder {
  if (column.kind === 'category') return wordEncoder(column, labels);
  const edges = quantileEdges(column.values);
  return {
    size: edges.length + 2,
    encode(other) {
      if (other.kind === 'category')
        throw new RangeError(`${other.name} is of another kind in the other table`);
      return Uint8Array.from(binCodes(other.values, edges), (bin) => bin + 1);
    },
  };
}

/** Between distinct values, at most MAX_BINS - 2 of them, with about equally many rows in between. */
function quantileEdges(values: Float64Array): Float64Array {
  const present = presentValues(values);
  const edges = new Set<number>();
  for (let i = 1; i < MAX_BINS - 1; i++) {
    const at = present[Math.floor((i * present.length) / (MAX_BINS - 1))];
    if (at !== undefined && at > (present[0] as number)) edges.add(at);
  }
  return Float64Array.from(edges);
}

/** By the share of the target, smoothed; the most frequent words where there are too many. */
function wordEncoder(column: CategoryColumn, labels: Uint8Array): Encoder {
  const rows = new Float64Array(column.words.length);
  const ones = new Float64Array(column.words.length);
  for (const [row, code] of column.codes.entries()) {
    if (code < 0) continue;
    rows[code]! += 1;
    ones[code]! += labels[row] as number;
  }
  const average = labels.reduce((sum, label) => sum + label, 0) / Math.max(1, labels.length);
  const share = (code: number): number =>
    ((ones[code] as number) + PRIOR_ROWS * average) / ((rows[code] as number) + PRIOR_ROWS);
  const order = [...rows.keys()]
    .filter((code) => (rows[code] as number) > 0)
    .sort((a, b) => (rows[b] as number) - (rows[a] as number))
    .slice(0, MAX_WORDS)
    .sort((a, b) => share(a) - share(b));
  const places = new Map(order.map((code, place) => [column.words[code] as string, place + 1]));
  return {
    size: order.length + 1,
    encode(other) {
      if (other.kind !== 'category')
        throw new RangeError(`${other.name} is of another kind in the other table`);
      const table = other.words.map((word) => places.get(word) ?? 0);
      return Uint8Array.from(other.codes, (code) => (code < 0 ? 0 : (table[code] as number)));
    },
  };
}
