/** What a churn task may ask of a telecom twin: its last known facts, features over the last half-year, and the label. */
import type { Aggregate, Feature, Label, Transform } from '@twinkeep/protocol';
import { MONTH_DAYS } from './events.ts';
import { telecomEventType, telecomLabelType } from './schema.ts';
import { MEMORY_MONTHS } from './survey.ts';

/** Bounds are public and need not be the schema's: counts and levels with a long tail are clipped where few reach. */
export const telecomFeatures: readonly Feature[] = [
  feature('attribute.set', 'tenureMonths', 'last', { kind: 'bucket', edges: [4, 8, 13, 25, 49] }),
  lastWord('attribute.set', 'contract'),
  lastWord('attribute.set', 'internetService'),
  lastWord('attribute.set', 'paymentMethod'),
  lastWord('attribute.set', 'pricePlan'),
  lastWord('attribute.set', 'paperless'),
  lastWord('attribute.set', 'onlineSecurity'),
  lastWord('attribute.set', 'techSupport'),
  lastWord('attribute.set', 'streaming'),
  feature('invoice.issued', 'amount', 'last', scale(10, 140)),
  feature('price.changed', 'percent', 'sum', scale(0, 20)),
  feature('payment.late', 'daysLate', 'count', scale(0, 4)),
  feature('usage.data', 'utilisation', 'mean', scale(0, 150)),
  feature('usage.data', 'utilisation', 'last', scale(0, 150)),
  feature('app.session', 'minutes', 'count', scale(0, 20)),
  feature('support.contact', 'resolved', 'count', scale(0, 6)),
  feature('support.contact', 'resolved', { kind: 'ratio', equals: false }, scale(0, 1)),
  feature('outage.reported', 'minutes', 'count', scale(0, 4)),
  feature('survey.nps', 'score', 'last', { ...scale(0, 10), indicator: true }),
  lastWord('device.class', 'class'),
  lastWord('device.class', 'coverage'),
  lastWord('attribute.set', 'senior'),
  lastWord('attribute.set', 'partner'),
  lastWord('attribute.set', 'dependents'),
  lastWord('household.segment', 'segment'),
  lastWord('interest.stated', 'topic'),
];

/** 1 = left within `horizonDays` of the reference instant, the number given to the population. */
export function telecomLabel(horizonDays: number): Label {
  const { category, type } = telecomLabelType;
  return { category, event: type, attribute: 'value', positive: [1], negative: [0], horizonDays };
}

/** One input per word of the schema's vocabulary; a yes/no has the two words false and true. */
function lastWord(event: string, attribute: string): Feature {
  const schema = telecomEventType(event, attribute).attributes[attribute];
  const vocabulary = schema?.kind === 'category' ? [...schema.vocabulary] : [false, true];
  return feature(event, attribute, 'last', { kind: 'one-hot', vocabulary, other: false });
}

/** A count counts every event of the type; the attribute only says which category's events are meant. */
function feature(
  event: string,
  attribute: string,
  aggregate: Aggregate | 'last' | 'mean' | 'sum' | 'count',
  transform: Transform,
): Feature {
  const how: Aggregate = typeof aggregate === 'string' ? { kind: aggregate } : aggregate;
  const { category } = telecomEventType(event, attribute);
  const name = how.kind === 'last' ? `${event}.${attribute}` : `${event}.${attribute}.${how.kind}`;
  return {
    name,
    category,
    event,
    ...(how.kind === 'count' ? {} : { attribute }),
    aggregate: how,
    // A fact holds until the next one, however old; what happened counts for as long as a customer remembers it.
    ...(how.kind === 'last' ? {} : { windowDays: MEMORY_MONTHS * MONTH_DAYS }),
    transform,
  };
}

function scale(low: number, high: number): Extract<Transform, { kind: 'scale' }> {
  return { kind: 'scale', bounds: [low, high], curve: 'linear', indicator: false };
}
