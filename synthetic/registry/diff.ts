/**
 * What changed between two versions of a data set: columns, words and bounds; the shapes of the columns, with effect sizes (Cohen,
 * "Statistical power analysis", 1988: d of numbers, Cramer's V of words), rows, and figures.
 */
import { ksComplement, missingShare, tvComplement } from '../evaluate/marginal.ts';
import type { ColumnSchema, TableSchema } from '../synthesize/schema.ts';
import { columnOf, type CategoryColumn, type Column, type Table } from '../table.ts';
import type { DataSetVersion, Figures } from './version.ts';

export type EffectName = 'negligible' | 'small' | 'medium' | 'large';

export interface ColumnShift {
  name: string;
  /** Cohen's d (of the later minus the earlier) or Cramer's V; NaN where a column has no values or no spread. */
  effect: number;
  measure: "Cohen's d" | "Cramer's V";
  size: EffectName;
  /** Kolmogorov-Smirnov or total variation distance, 0 to 1. */
  distance: number;
  missing: { before: number; after: number };
  /** Numbers and dates. */
  mean?: { before: number; after: number };
  /** The word whose share changed most. */
  word?: { word: string; before: number; after: number };
}

export interface VersionDiff {
  before: string;
  after: string;
  rows: { before: number; after: number };
  added: string[];
  removed: string[];
  /** In words, one per change of a column's schema. */
  schema: string[];
  shifts: ColumnShift[];
  figures: { name: keyof Figures; before: number | null; after: number | null }[];
}

export interface VersionRows {
  version: DataSetVersion;
  /** All rows or a sample of them. */
  table: Table;
}

export function diffVersions(before: VersionRows, after: VersionRows): VersionDiff {
  const [a, b] = [before.version, after.version];
  const names = ({ columns }: TableSchema): string[] => columns.map(({ name }) => name);
  const [namesA, namesB] = [names(a.schema), names(b.schema)];
  const common = namesB.filter((name) => namesA.includes(name));
  const schemaOf = ({ columns }: TableSchema, name: string): ColumnSchema =>
    columns.find((column) => column.name === name) as ColumnSchema;
  return {
    before: `${a.name}@${a.version}`,
    after: `${b.name}@${b.version}`,
    rows: { before: a.rows, after: b.rows },
    added: namesB.filter((name) => !namesA.includes(name)),
    removed: namesA.filter((name) => !namesB.includes(name)),
    schema: common.flatMap((name) => schemaChanges(schemaOf(a.schema, name), schemaOf(b.schema, name))),
    shifts: common.flatMap((name) => {
      const [columnA, columnB] = [columnOf(before.table, name), columnOf(after.table, name)];
      return (columnA.kind === 'category') === (columnB.kind === 'category')
        ? [columnShift(columnA, columnB)]
        : [];
    }),
    figures: figureChanges(a.figures, b.figures),
  };
}

function schemaChanges(a: ColumnSchema, b: ColumnSchema): string[] {
  if (a.kind !== b.kind) return [`${a.name}: was a ${a.kind}, is a ${b.kind}`];
  const changes: string[] = [];
  if (a.kind === 'category' && b.kind === 'category') {
    const list = (what: string, words: string[]): void => {
      if (words.length > 0) changes.push(`${a.name}: words ${what}: ${shortList(words)}`);
    };
    const [known, now] = [new Set(a.words), new Set(b.words)];
    list(
      'added',
      [...now].filter((word) => !known.has(word)),
    );
    list(
      'removed',
      [...known].filter((word) => !now.has(word)),
    );
  } else if (a.kind !== 'category' && b.kind !== 'category')
    for (const bound of ['min', 'max', 'step'] as const)
      if (a[bound] !== b[bound])
        changes.push(
          `${a.name}: ${bound} ${String(a[bound] ?? 'none')} is now ${String(b[bound] ?? 'none')}`,
        );
  if ((a.missing === true) !== (b.missing === true))
    changes.push(`${a.name}: values may ${b.missing === true ? 'now' : 'no longer'} be missing`);
  return changes;
}

function shortList(words: readonly string[]): string {
  const shown = words
    .slice(0, 5)
    .map((word) => JSON.stringify(word))
    .join(', ');
  return words.length > 5 ? `${shown} and ${words.length - 5} more` : shown;
}

function columnShift(a: Column, b: Column): ColumnShift {
  const common = { name: a.name, missing: { before: missingShare(a), after: missingShare(b) } };
  if (a.kind === 'category' && b.kind === 'category') {
    const effect = cramersV(a, b);
    return {
      ...common,
      effect,
      measure: "Cramer's V",
      size: sizeOf(effect, [0.1, 0.3, 0.5]),
      distance: 1 - tvComplement(a, b),
      ...mostChangedWord(a, b),
    };
  }
  if (a.kind === 'category' || b.kind === 'category') throw new RangeError(`${a.name} is of two kinds`);
  const [before, after] = [moments(a.values), moments(b.values)];
  const spread = Math.sqrt((before.variance + after.variance) / 2);
  const effect = spread > 0 ? (after.mean - before.mean) / spread : Number.NaN;
  return {
    ...common,
    effect,
    measure: "Cohen's d",
    size: sizeOf(effect, [0.2, 0.5, 0.8]),
    distance: 1 - ksComplement(a.values, b.values),
    mean: { before: before.mean, after: after.mean },
  };
}

function sizeOf(effect: number, [small, medium, large]: [number, number, number]): EffectName {
  const size = Math.abs(effect);
  if (size >= large) return 'large';
  return size >= medium ? 'medium' : size >= small ? 'small' : 'negligible';
}

/** Of the table of two versions by words: the root of chi-square over the number of rows. */
function cramersV(a: CategoryColumn, b: CategoryColumn): number {
  const [countsA, countsB] = [wordCounts(a), wordCounts(b)];
  const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((x, y) => x + y, 0);
  const [rowsA, rowsB] = [sum(countsA), sum(countsB)];
  if (rowsA === 0 || rowsB === 0) return Number.NaN;
  let chiSquare = 0;
  for (const word of new Set([...countsA.keys(), ...countsB.keys()])) {
    const both = (countsA.get(word) ?? 0) + (countsB.get(word) ?? 0);
    for (const [counts, rows] of [
      [countsA, rowsA],
      [countsB, rowsB],
    ] as const) {
      const expected = (both * rows) / (rowsA + rowsB);
      chiSquare += ((counts.get(word) ?? 0) - expected) ** 2 / expected;
    }
  }
  return Math.sqrt(chiSquare / (rowsA + rowsB));
}

function mostChangedWord(a: CategoryColumn, b: CategoryColumn): Pick<ColumnShift, 'word'> {
  const [countsA, countsB] = [wordCounts(a), wordCounts(b)];
  const shares = [...new Set([...countsA.keys(), ...countsB.keys()])].map((word) => ({
    word,
    before: (countsA.get(word) ?? 0) / Math.max(1, a.codes.length),
    after: (countsB.get(word) ?? 0) / Math.max(1, b.codes.length),
  }));
  const change = ({ before, after }: { before: number; after: number }): number => Math.abs(after - before);
  const most = shares.toSorted((x, y) => change(y) - change(x))[0];
  return most === undefined ? {} : { word: most };
}

function wordCounts({ words, codes }: CategoryColumn): Map<string, number> {
  const counts = new Map<string, number>();
  for (const code of codes)
    if (code >= 0) counts.set(words[code] as string, (counts.get(words[code] as string) ?? 0) + 1);
  return counts;
}

function moments(values: Float64Array): { mean: number; variance: number } {
  let [n, mean, squares] = [0, 0, 0];
  for (const x of values) {
    if (Number.isNaN(x)) continue;
    const off = x - mean;
    mean += off / ++n;
    squares += off * (x - mean);
  }
  return n === 0
    ? { mean: Number.NaN, variance: Number.NaN }
    : { mean, variance: n > 1 ? squares / (n - 1) : 0 };
}

const FIGURES = ['quality', 'shuffledQuality', 'tstr', 'trtr', 'closerToTrain', 'membership'] as const;

function figureChanges(a: Figures | null, b: Figures | null): VersionDiff['figures'] {
  if (a === null && b === null) return [];
  const of = (figures: Figures | null, name: keyof Figures): number | null => {
    const value = figures?.[name] ?? null;
    return Array.isArray(value) ? value[0] : value;
  };
  return FIGURES.map((name) => ({ name, before: of(a, name), after: of(b, name) }));
}
