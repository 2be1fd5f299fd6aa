/**
 * Features as data: what a task needs to know of a twin, in a form that a person can read and a twin can check against consent.
 * Nothing here is code that a coordinator could send. Bounds and vocabularies are public, part of the task, never taken from
 * the data, so that no statistic of a customer leaks through the scaling.
 */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import * as v from 'valibot';

/** How the events of one type become one value, over `windowDays` before the reference instant (all time where absent). */
export type Aggregate =
  | { kind: 'last' | 'sum' | 'mean' | 'min' | 'max' | 'distinct' | 'trend' }
  | { kind: 'count' | 'recency' }
  | { kind: 'decayed'; halfLifeDays: number }
  /** Share of the events of this type whose attribute equals `equals`. */
  | { kind: 'ratio'; equals: string | number | boolean };

/** How the value becomes inputs of the model. */
export type Transform =
  /** curve(value), then bounds -> [-1, 1], clipped; missing -> 0, and one more input 0/1 where `indicator` is set. */
  | { kind: 'scale'; bounds: [number, number]; curve: 'linear' | 'log1p' | 'symlog'; indicator: boolean }
  /** One input per word of the vocabulary, and one more for any other word where `other` is set; missing -> all 0. */
  | { kind: 'one-hot'; vocabulary: (string | number | boolean)[]; other: boolean }
  /** One input per interval between ascending edges, open ends included; missing -> all 0. */
  | { kind: 'bucket'; edges: number[] };

export interface Feature {
  name: string;
  category: Category;
  /** Event type, e.g. `attribute.set`. */
  event: string;
  /** Attribute within `data`; needed by every aggregate but `count` and `recency`. */
  attribute?: string;
  aggregate: Aggregate;
  windowDays?: number;
  transform: Transform;
}

/** The target of a binary head: the value of one attribute of one event type, seen `horizonDays` after the features' instant. */
export interface Label {
  category: Category;
  event: string;
  attribute: string;
  positive: (string | number | boolean)[];
  negative: (string | number | boolean)[];
  horizonDays: number;
}

/** Number of model inputs that a transform makes. */
export function transformWidth(transform: Transform): number {
  switch (transform.kind) {
    case 'scale':
      return transform.indicator ? 2 : 1;
    case 'one-hot':
      return transform.vocabulary.length + (transform.other ? 1 : 0);
    case 'bucket':
      return transform.edges.length + 1;
  }
}

export function inputWidth(features: readonly Feature[]): number {
  return features.reduce((sum, feature) => sum + transformWidth(feature.transform), 0);
}

const text = (max: number): v.GenericSchema<string> => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const word = v.union([v.pipe(v.string(), v.maxLength(256)), v.pipe(v.number(), v.finite()), v.boolean()]);
const finite = v.pipe(v.number(), v.finite());
const days = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3_650));

const aggregateSchema = v.variant('kind', [
  v.strictObject({ kind: v.picklist(['last', 'sum', 'mean', 'min', 'max', 'distinct', 'trend']) }),
  v.strictObject({ kind: v.picklist(['count', 'recency']) }),
  v.strictObject({
    kind: v.literal('decayed'),
    halfLifeDays: v.pipe(v.number(), v.minValue(0.01), v.maxValue(3_650)),
  }),
  v.strictObject({ kind: v.literal('ratio'), equals: word }),
]);

const ascending = (edges: number[]): boolean =>
  edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? 0));

const transformSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('scale'),
    bounds: v.pipe(
      v.strictTuple([finite, finite]),
      v.check(([lo, hi]) => lo < hi, 'bounds ascend'),
    ),
    curve: v.picklist(['linear', 'log1p', 'symlog']),
    indicator: v.boolean(),
  }),
  v.strictObject({
    kind: v.literal('one-hot'),
    vocabulary: v.pipe(
      v.array(word),
      v.minLength(1),
      v.maxLength(1_024),
      v.check((words) => new Set(words).size === words.length, 'the words of a vocabulary differ'),
    ),
    other: v.boolean(),
  }),
  v.strictObject({
    kind: v.literal('bucket'),
    edges: v.pipe(v.array(finite), v.minLength(1), v.maxLength(256), v.check(ascending, 'edges ascend')),
  }),
]);

export const featureSchema: v.GenericSchema<Feature> = v.pipe(
  v.strictObject({
    name: text(64),
    category: v.picklist(CATEGORIES),
    event: text(64),
    attribute: v.exactOptional(text(64)),
    aggregate: aggregateSchema,
    windowDays: v.exactOptional(days),
    transform: transformSchema,
  }),
  v.check(
    ({ aggregate, attribute }) =>
      aggregate.kind === 'count' || aggregate.kind === 'recency' || attribute !== undefined,
    'this aggregate needs an attribute',
  ),
) as v.GenericSchema<Feature>;

export const labelSchema: v.GenericSchema<Label> = v.strictObject({
  category: v.picklist(CATEGORIES),
  event: text(64),
  attribute: text(64),
  positive: v.pipe(v.array(word), v.minLength(1), v.maxLength(64)),
  negative: v.pipe(v.array(word), v.minLength(1), v.maxLength(64)),
  horizonDays: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_650)),
});
