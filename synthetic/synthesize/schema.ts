/**
 * What is publicly known about a table before anybody looks at it: words, bounds, bins, atoms. A differentially private fit learns only
 * counts of these cells. A schema that was read off the data (`derived`) is convenient and tells about the data by itself, so no
 * epsilon can be claimed for what is fitted with it.
 */
import * as v from 'valibot';
import { SyntheticError } from '../error.ts';

export interface CategorySchema {
  kind: 'category';
  name: string;
  words: string[];
  /** One of `words`, which stands for every word that is not among them. */
  other?: string;
  missing?: boolean;
}

export interface NumberSchema {
  /** A date is a number of days since 1970-01-01, and its step a whole number of days. */
  kind: 'number' | 'date';
  name: string;
  /** Values beyond the bounds count as the bounds. */
  min: number;
  max: number;
  /** Equally wide; 1 to 1,000. Default 20. Or `edges`. */
  bins?: number;
  /** Inner edges of the bins, ascending, strictly between the bounds. */
  edges?: number[];
  /** Values are multiples of it. Default for dates: 1. */
  step?: number;
  /** Values that are cells of their own, such as 0 or 999, within the bounds or not. */
  atoms?: number[];
  missing?: boolean;
}

export type ColumnSchema = CategorySchema | NumberSchema;

export type Constraint =
  /** `low` <= `high`, where both are known. */
  | { kind: 'order'; low: string; high: string }
  /** Where `column` is `is`, `thenColumn` is `must`; null = missing. */
  | {
      kind: 'implies';
      column: string;
      is: string | number | null;
      thenColumn: string;
      must: string | number | null;
    }
  /** `total` is the sum of `parts`: it is not modelled but computed; missing where a part is. */
  | { kind: 'sum'; total: string; parts: string[] };

export interface TableSchema {
  columns: ColumnSchema[];
  constraints?: Constraint[];
  /** Read off the data: see the top. */
  derived?: boolean;
}

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const word = v.pipe(v.string(), v.maxLength(2_000));
const number = v.pipe(v.number(), v.finite());
const value = v.nullable(v.union([word, number]));

const columnSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('category'),
    name,
    words: v.pipe(v.array(word), v.minLength(1), v.maxLength(1_000_000)),
    other: v.optional(word),
    missing: v.optional(v.boolean()),
  }),
  v.strictObject({
    kind: v.picklist(['number', 'date']),
    name,
    min: number,
    max: number,
    bins: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000))),
    edges: v.optional(v.pipe(v.array(number), v.maxLength(999))),
    step: v.optional(v.pipe(number, v.gtValue(0))),
    atoms: v.optional(v.pipe(v.array(number), v.maxLength(1_000))),
    missing: v.optional(v.boolean()),
  }),
]);

const tableSchema = v.strictObject({
  columns: v.pipe(v.array(columnSchema), v.minLength(1), v.maxLength(1_000)),
  constraints: v.optional(
    v.pipe(
      v.array(
        v.variant('kind', [
          v.strictObject({ kind: v.literal('order'), low: name, high: name }),
          v.strictObject({
            kind: v.literal('implies'),
            column: name,
            is: value,
            thenColumn: name,
            must: value,
          }),
          v.strictObject({
            kind: v.literal('sum'),
            total: name,
            parts: v.pipe(v.array(name), v.minLength(1), v.maxLength(100)),
          }),
        ]),
      ),
      v.maxLength(100),
    ),
  ),
  derived: v.optional(v.boolean()),
});

/** @throws SyntheticError 'synthetic/schema' that names the column */
export function parseSchema(given: unknown): TableSchema {
  const parsed = v.safeParse(tableSchema, given);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new SyntheticError('synthetic/schema', `${v.getDotPath(issue) ?? 'schema'}: ${issue.message}`);
  }
  const schema = parsed.output as TableSchema;
  const names = new Set<string>();
  for (const column of schema.columns) {
    if (names.has(column.name)) wrong(column.name, 'occurs twice');
    names.add(column.name);
    checkColumn(column);
  }
  for (const constraint of schema.constraints ?? []) checkConstraint(constraint, schema);
  return schema;
}

function checkColumn(column: ColumnSchema): void {
  if (column.kind === 'category') {
    if (new Set(column.words).size !== column.words.length) wrong(column.name, 'has a word twice');
    if (column.other !== undefined && !column.words.includes(column.other))
      wrong(column.name, `its word for others, ${column.other}, is not among its words`);
    return;
  }
  const { min, max, edges = [] } = column;
  if (!(min < max)) wrong(column.name, `min ${min} is not below max ${max}`);
  if (column.edges !== undefined && column.bins !== undefined) wrong(column.name, 'has both bins and edges');
  const places = [min, ...edges, max];
  if (places.some((place, i) => i > 0 && place <= (places[i - 1] as number)))
    wrong(column.name, 'edges do not ascend between min and max');
}

function checkConstraint(constraint: Constraint, schema: TableSchema): void {
  const find = (wanted: string): ColumnSchema => {
    const column = schema.columns.find((candidate) => candidate.name === wanted);
    if (column === undefined) wrong(wanted, 'a constraint names it, the columns do not');
    return column as ColumnSchema;
  };
  const numeric = (wanted: string): void => {
    if (find(wanted).kind === 'category')
      wrong(wanted, `a constraint of kind ${constraint.kind} needs numbers`);
  };
  if (constraint.kind === 'implies')
    for (const wanted of [constraint.column, constraint.thenColumn]) find(wanted);
  else if (constraint.kind === 'order')
    for (const wanted of [constraint.low, constraint.high]) numeric(wanted);
  else {
    for (const wanted of [constraint.total, ...constraint.parts]) numeric(wanted);
    const totals = computedTotals(schema);
    if (totals.filter((total) => total === constraint.total).length > 1)
      wrong(constraint.total, 'is the total of two sums');
    for (const part of constraint.parts) if (totals.includes(part)) wrong(part, 'is a part and a total');
  }
}

function wrong(column: string, message: string): never {
  throw new SyntheticError('synthetic/schema', message, { column });
}

/** Columns that are computed from others. */
export function computedTotals({ constraints = [] }: TableSchema): string[] {
  return constraints.flatMap((constraint) => (constraint.kind === 'sum' ? [constraint.total] : []));
}
