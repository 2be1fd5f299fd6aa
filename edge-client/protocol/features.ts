/**
 * Features as data: what a task needs to know of a twin, in a form that a person can read and a twin can check against consent.
 * Nothing here is code that a coordinator could send. Bounds and vocabularies are public, part of the task, never taken from
 * the data, so that no statistic of a customer leaks through the scaling.
 *
 * Time is counted in whole days of UTC. A row as of an instant sees the events of that instant's day and of days before it, and
 * of no later day; a window of n days is that day and the n days before it. A label that is seen `horizonDays` >= 1 later is
 * thus never among its own features, and neither is anything else of its day.
 */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import * as v from 'valibot';

/**
 * How the events of one type become one value, over `windowDays` (all time where absent). Where an attribute is named, only
 * events that carry it count. Arithmetic takes numbers, and a yes/no as 1/0; words do not count in it. Of no events, count,
 * sum, distinct and decayed are 0, all others are missing.
 */
export type Aggregate =
  /** Of simultaneous events, `last` takes the greater value. `trend`: least-squares slope per day, missing within one day. */
  | { kind: 'last' | 'sum' | 'mean' | 'min' | 'max' | 'trend' }
  /** Number of different values, at most MAX_DISTINCT. */
  | { kind: 'distinct' }
  /** `recency`: days since the last event. */
  | { kind: 'count' | 'recency' }
  /** Sum of value * 2^(-age / halfLifeDays), age in days; what is older than DECAY_HALF_LIVES half-lives does not count. */
  | { kind: 'decayed'; halfLifeDays: number }
  /** Share of the events whose attribute equals `equals`. */
  | { kind: 'ratio'; equals: string | number | boolean };

export const MAX_DISTINCT = 64;
export const DECAY_HALF_LIVES = 40;

/** How the value becomes inputs of the model. */
export type Transform =
  /**
   * The value, clipped to `bounds` (in its own unit), then curve(bounds) -> [-1, 1]; missing -> 0. Where `indicator` is set, one
   * more input: 1 for a value that is known, 0 for a missing one. symlog(x) = sign(x) log(1 + |x|).
   */
  | { kind: 'scale'; bounds: [number, number]; curve: 'linear' | 'log1p' | 'symlog'; indicator: boolean }
  /** One input per word of the vocabulary, and one more for any other word where `other` is set; missing -> all 0. */
  | { kind: 'one-hot'; vocabulary: (string | number | boolean)[]; other: boolean }
  /** One input per interval [edge, next edge) between ascending edges, open ends included; missing -> all 0. */
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

/**
 * The target of a binary head: the value of one attribute of one event type, seen `horizonDays` after the features' instant.
 * Of several such events the latest counts; a value in neither list is a missing label.
 */
export interface Label {
  category: Category;
  event: string;
  attribute: string;
  positive: (string | number | boolean)[];
  negative: (string | number | boolean)[];
  horizonDays: number;
}

/** The curve of a `scale` transform. */
export function bend(curve: 'linear' | 'log1p' | 'symlog', value: number): number {
  switch (curve) {
    case 'linear':
      return value;
    case 'log1p':
      return Math.log1p(value);
    case 'symlog':
      return Math.sign(value) * Math.log1p(Math.abs(value));
  }
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
  v.strictObject({ kind: v.picklist(['last', 'sum', 'mean', 'min', 'max', 'trend', 'distinct']) }),
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
  v.pipe(
    v.strictObject({
      kind: v.literal('scale'),
      bounds: v.pipe(
        v.strictTuple([finite, finite]),
        v.check(([lo, hi]) => lo < hi && Number.isFinite(hi - lo), 'bounds ascend'),
      ),
      curve: v.picklist(['linear', 'log1p', 'symlog']),
      indicator: v.boolean(),
    }),
    v.check(({ curve, bounds }) => curve !== 'log1p' || bounds[0] > -1, 'log1p needs bounds above -1'),
    v.check(
      ({ curve, bounds: [lo, hi] }) => bend(curve, hi) > bend(curve, lo),
      'the curve does not tell these bounds apart',
    ),
  ),
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
  v.check(
    ({ aggregate, windowDays }) => aggregate.kind !== 'trend' || windowDays !== undefined,
    'a trend needs a window',
  ),
);

export const labelSchema: v.GenericSchema<Label> = v.strictObject({
  category: v.picklist(CATEGORIES),
  event: text(64),
  attribute: text(64),
  positive: v.pipe(v.array(word), v.minLength(1), v.maxLength(64)),
  negative: v.pipe(v.array(word), v.minLength(1), v.maxLength(64)),
  horizonDays: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_650)),
});
