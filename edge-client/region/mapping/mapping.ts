/**
 * A mapping says what the columns of a CSV file are: which consent category they belong to, how they become features, which
 * column is the label, and on what consent the import rests. Bounds and vocabularies are public and written down here, never
 * measured in the data. Columns that it does not name are not read. Reference: docs/import.md.
 */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import { instantSchema } from '@twinkeep/protocol';
import * as v from 'valibot';
import { RegionError } from '../errors.ts';
import { describeIssue } from '../schema-issue.ts';
import { taskOverridesSchema, type ModelOverrides, type TaskOverrides } from './overrides.ts';
import { termsFields, type ConsentTerms } from './terms.ts';

export interface Mapping {
  title: string;
  /** Name of the system that the file comes from, the `source` of every event. */
  source: string;
  format: CsvFormat;
  /** Column with a stable number of the customer; null: the row's number stands for the customer. */
  subject: string | null;
  /** The instant that the facts were true at, `2026-01-31T00:00:00Z`. Default: `horizonDays` before the import. */
  referenceTime?: string;
  columns: Record<string, Column>;
  label: LabelColumn;
  consent: ConsentRule;
  model?: ModelOverrides;
  task?: TaskOverrides;
}

export interface CsvFormat {
  delimiter?: string;
  quote?: string;
  decimal?: '.' | ',';
  /** Cells that stand for "not known", after white space around them is cut. Default: the empty cell and `NA`. */
  missing?: string[];
}

interface FactColumn {
  category: Category;
  /** Name within the event; default: the column's. */
  attribute?: string;
  /** Event type; default `attribute.set`. */
  event?: string;
  /** Cells that stand for "not known" in this column, beside those of the format. */
  missing?: string[];
}

export type Column =
  | (FactColumn & {
      type: 'number';
      bounds: [number, number];
      curve?: 'linear' | 'log1p' | 'symlog';
      missingIndicator?: boolean;
    })
  /** Without `other`, a word that is not in the vocabulary stops the import. */
  | (FactColumn & { type: 'category'; vocabulary: string[]; other?: boolean })
  | { type: 'ignore' };

export interface LabelColumn {
  column: string;
  category: Category;
  /** Default `outcome.observed`. */
  event?: string;
  /** Default: the column's name. */
  attribute?: string;
  positive: string[];
  negative: string[];
  horizonDays: number;
}

/** Who consented: a column of the file says so, or, in demos, a seeded draw does. */
export interface ConsentRule extends ConsentTerms {
  column?: string;
  /** Words in `column` that mean yes; any other, or none, means no. */
  granted?: string[];
  rate?: { granted: number; withdrawMidway?: number };
}

export const DEFAULT_MISSING: readonly string[] = ['', 'NA'];
export const DEFAULT_EVENT = 'attribute.set';
export const DEFAULT_LABEL_EVENT = 'outcome.observed';

const name = (max: number): v.GenericSchema<string> => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
/** What an event takes as the name of a type, a source or an attribute. */
const eventName = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(64),
  v.regex(
    /^[\p{L}\p{N}_.:/@ -]+$/u,
    'a name has letters, digits, spaces and _ . : / @ - only, at most 64 of them',
  ),
);
const character = v.pipe(v.string(), v.length(1));
const number = v.pipe(v.number(), v.finite());
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const words = (max: number): v.GenericSchema<string[]> =>
  v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(256))),
    v.minLength(1),
    v.maxLength(max),
    v.check((list) => new Set(list).size === list.length, 'a word stands here twice'),
  );

const missingWords = v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(64));

const factFields = {
  category: v.picklist(CATEGORIES),
  attribute: v.exactOptional(eventName),
  event: v.exactOptional(eventName),
  missing: v.exactOptional(missingWords),
};

const columnSchema = v.variant('type', [
  v.strictObject({
    ...factFields,
    type: v.literal('number'),
    bounds: v.pipe(
      v.strictTuple([number, number]),
      v.check(([low, high]) => low < high, 'the first bound is below the second'),
    ),
    curve: v.exactOptional(v.picklist(['linear', 'log1p', 'symlog'])),
    missingIndicator: v.exactOptional(v.boolean()),
  }),
  v.strictObject({
    ...factFields,
    type: v.literal('category'),
    vocabulary: words(1_024),
    other: v.exactOptional(v.boolean()),
  }),
  v.strictObject({ type: v.literal('ignore') }),
]);

const mappingSchema: v.GenericSchema<Mapping> = v.strictObject({
  title: name(300),
  source: eventName,
  format: v.strictObject({
    delimiter: v.exactOptional(character),
    quote: v.exactOptional(character),
    decimal: v.exactOptional(v.picklist(['.', ','])),
    missing: v.exactOptional(missingWords),
  }),
  subject: v.nullable(name(256)),
  referenceTime: v.exactOptional(instantSchema),
  columns: v.record(name(256), columnSchema),
  label: v.strictObject({
    column: name(256),
    category: v.picklist(CATEGORIES),
    event: v.exactOptional(eventName),
    attribute: v.exactOptional(eventName),
    positive: words(64),
    negative: words(64),
    horizonDays: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_650)),
  }),
  consent: v.strictObject({
    ...termsFields,
    column: v.exactOptional(name(256)),
    granted: v.exactOptional(words(64)),
    rate: v.exactOptional(v.strictObject({ granted: share, withdrawMidway: v.exactOptional(share) })),
  }),
  model: v.exactOptional(
    v.strictObject({
      hidden: v.exactOptional(v.array(v.pipe(v.number(), v.integer(), v.minValue(1)))),
      activation: v.exactOptional(v.picklist(['relu', 'tanh'])),
      seed: v.exactOptional(name(128)),
    }),
  ),
  task: v.exactOptional(taskOverridesSchema),
}) as unknown as v.GenericSchema<Mapping>;

/** @throws RegionError 'mapping/invalid' with the path of the field that is wrong */
export function parseMapping(input: unknown): Mapping {
  const parsed = v.safeParse(mappingSchema, input);
  if (!parsed.success) throw new RegionError('mapping/invalid', describeIssue(parsed.issues));
  checkMapping(parsed.output);
  return parsed.output;
}

/** What no single field shows. */
function checkMapping(mapping: Mapping): void {
  const { label, subject, consent } = mapping;
  const facts = factColumns(mapping);
  if (facts.length === 0) refuse('columns: at least one must be a number or a category');
  const attributes = new Map<string, string>();
  for (const [column, { attribute }] of facts) {
    if (!v.is(eventName, attribute))
      refuse(`columns.${column}: give it an attribute name of letters and digits`);
    const other = attributes.get(attribute);
    if (other !== undefined) refuse(`columns.${column}: ${other} has the same attribute name`);
    attributes.set(attribute, column);
  }
  const isFact = (column: string | null | undefined): boolean => facts.some(([each]) => each === column);
  if (isFact(label.column)) refuse(`columns.${label.column}: the label cannot be a feature too`);
  if (isFact(subject)) refuse(`columns.${subject}: the customer's number cannot be a feature too`);
  if (!v.is(eventName, label.attribute ?? label.column))
    refuse('label.attribute: give it a name of letters and digits');
  const both = label.positive.find((word) => label.negative.includes(word));
  if (both !== undefined) refuse(`label: ${JSON.stringify(both)} is both positive and negative`);
  const byColumn = consent.column !== undefined && consent.granted !== undefined;
  if (
    byColumn === (consent.rate !== undefined) ||
    (consent.column === undefined) !== (consent.granted === undefined)
  )
    refuse('consent: give either column and granted, or rate');
  if (isFact(consent.column)) refuse(`columns.${consent.column}: the consent column cannot be a feature too`);
  if (consent.required !== undefined && !consent.required.includes(label.category))
    refuse(`consent.required: the label's category ${label.category} must be in it`);
}

/** A column that becomes a feature, with its defaults filled in. */
export type Fact = Exclude<Column, { type: 'ignore' }> & { attribute: string; event: string };

/** In the order of the mapping. Asked for with every row, so it is worked out once. */
export function factColumns(mapping: Mapping): readonly [column: string, fact: Fact][] {
  const known = factsOf.get(mapping);
  if (known !== undefined) return known;
  const facts = Object.entries(mapping.columns).flatMap(([column, rule]): [string, Fact][] =>
    rule.type === 'ignore'
      ? []
      : [[column, { ...rule, attribute: rule.attribute ?? column, event: rule.event ?? DEFAULT_EVENT }]],
  );
  factsOf.set(mapping, facts);
  return facts;
}

const factsOf = new WeakMap<Mapping, readonly [string, Fact][]>();

/** Categories that a customer is asked for, the required ones first. */
export function mappingCategories(mapping: Mapping): { required: Category[]; optional: Category[] } {
  const required = mapping.consent.required ?? [mapping.label.category];
  const used = new Set(factColumns(mapping).map(([, { category }]) => category));
  return {
    required,
    optional: CATEGORIES.filter((category) => used.has(category) && !required.includes(category)),
  };
}

function refuse(message: string): never {
  throw new RegionError('mapping/invalid', message);
}
