import { CATEGORIES } from '@twinkeep/consent';
import {
  customerEventSchema,
  featureSchema,
  inputWidth,
  labelSchema,
  type CustomerEvent,
} from '@twinkeep/protocol';
import {
  createTelecomPopulation,
  telecomEventTypes,
  telecomFeatures,
  telecomLabel,
  telecomLabelType,
  telecomRequiredCategories,
  type AttributeSchema,
  type PopulationOptions,
} from '@twinkeep/synthetic';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const options: PopulationOptions = { seed: 3, customers: 2_000, referenceTime: '2026-01-01T00:00:00Z' };
const population = createTelecomPopulation(options);
const everybody = [...population.customers()];
const everyEvent = everybody.map(({ index }) => population.customerEvents(index));
const allTypes = [...telecomEventTypes, telecomLabelType];

describe('events', () => {
  it('follow the wire schema of the protocol, with ids unique per customer', () => {
    for (const events of everyEvent) {
      for (const event of events) expect(valid(customerEventSchema, event)).toBe(true);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    }
  });

  it('are found faulty where they are', () => {
    const events = everyEvent[0] ?? [];
    const [first, ...rest] = events as [CustomerEvent, ...CustomerEvent[]];
    const bad: CustomerEvent[][] = [
      [...rest, first],
      [{ ...first, category: 'feedback' }, ...rest],
      [{ ...first, data: { ...first.data, note: 'free text' } }, ...rest],
      [{ ...first, data: {} }, ...rest],
      [{ ...first, time: '1999-01-01T00:00:00Z' }, ...rest],
      events.slice(0, -1),
    ];
    expect(faults(events, options)).toEqual([]);
    for (const changed of bad) expect(faults(changed, options)).not.toEqual([]);
  });

  it('stay inside their public bounds and vocabularies, in populations of every shape', () => {
    const shape = fc.record({
      seed: fc.maxSafeNat(),
      customers: fc.constant(40),
      referenceTime: fc
        .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
        .map((date) => `${date.toISOString().slice(0, 19)}Z`),
      windowMonths: fc.integer({ min: 6, max: 36 }),
      horizonDays: fc.integer({ min: 1, max: 365 }),
    });
    fc.assert(
      fc.property(shape, (given) => {
        const made = createTelecomPopulation(given);
        for (let index = 0; index < made.size; index++)
          expect(faults(made.customerEvents(index), given)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('use every word of every vocabulary and all seven categories', () => {
    const seen = new Set<string>();
    for (const { type, category, data } of everyEvent.flat()) {
      seen.add(category);
      for (const [name, value] of Object.entries(data)) seen.add(`${type} ${name} ${value}`);
    }
    for (const category of CATEGORIES) expect(seen).toContain(category);
    for (const { type, attributes } of telecomEventTypes)
      for (const [name, schema] of Object.entries(attributes)) {
        if (schema.kind === 'number') continue;
        const words = schema.kind === 'boolean' ? [true, false] : schema.vocabulary;
        for (const word of words) expect(seen).toContain(`${type} ${name} ${word}`);
      }
  });

  it('say what the profile says', () => {
    for (const { index, profile } of everybody.slice(0, 200)) {
      const facts: Record<string, unknown> = {};
      for (const { data } of everyEvent[index] ?? []) Object.assign(facts, data);
      const { deviceClass, interest, ...same } = profile;
      expect(facts).toMatchObject({
        ...same,
        class: deviceClass,
        ...(interest === null ? {} : { topic: interest }),
      });
    }
  });

  it('carry nothing of the identity', () => {
    for (const { index, identity } of everybody) {
      const text = JSON.stringify(everyEvent[index]);
      const values = new Set(
        (everyEvent[index] ?? []).flatMap(({ data }) =>
          Object.values(data).filter((value) => typeof value === 'string'),
        ),
      );
      for (const line of Object.values(identity) as string[]) {
        expect(text).not.toContain(line);
        for (const word of line.split(/[ ,.@]+/)) expect(values).not.toContain(word.toLowerCase());
      }
    }
  });
});

/** What is wrong with the types, values, order and times of one customer's events. */
function faults(
  events: readonly CustomerEvent[],
  { referenceTime, windowMonths = 6, horizonDays = 90 }: PopulationOptions,
): string[] {
  const reference = Date.parse(referenceTime);
  const times = events.map(({ time }) => Date.parse(time));
  const found = events.flatMap(({ type, source, category, data }) => {
    const schema = allTypes.find(
      (candidate) =>
        candidate.type === type && candidate.source === source && candidate.category === category,
    );
    if (schema === undefined) return [`${type} of ${source}, ${category}`];
    const names = new Set([...Object.keys(schema.attributes), ...Object.keys(data)]);
    return [...names]
      .filter((name) => !within(data[name], schema.attributes[name]))
      .map((name) => `${type}: ${name} is ${data[name]}`);
  });
  if ((times[0] ?? 0) < reference - windowMonths * 30 * 86_400_000) found.push('before the window');
  if (times.some((time, i) => time < (times[i - 1] ?? 0))) found.push('out of order');
  if ((times.at(-2) ?? reference) >= reference) found.push('after the reference instant');
  if (times.at(-1) !== reference + horizonDays * 86_400_000) found.push('the label is not at the horizon');
  if (events.findIndex(({ type }) => type === 'churn.observed') !== events.length - 1)
    found.push('the label is not the last event');
  return found;
}

/** By the Standard Schema interface that every schema of the protocol has. */
function valid(
  schema: typeof customerEventSchema | typeof featureSchema | typeof labelSchema,
  value: unknown,
): boolean {
  const result = schema['~standard'].validate(value);
  return 'value' in result && result.issues === undefined;
}

function within(value: unknown, schema: AttributeSchema | undefined): boolean {
  if (schema === undefined) return false;
  if (schema.kind === 'number') {
    if (typeof value !== 'number' || value < schema.min || value > schema.max) return false;
    return Math.abs(value / schema.step - Math.round(value / schema.step)) < 1e-6;
  }
  if (schema.kind === 'category') return schema.vocabulary.includes(value as string);
  return typeof value === 'boolean';
}

describe('features and label', () => {
  it('are valid, differ in name, and ask only for what the events have', () => {
    const wrong = telecomFeatures.filter(({ event, category, attribute }) => {
      const sources = telecomEventTypes.filter((type) => type.type === event && type.category === category);
      return !sources.some(({ attributes }) => attribute === undefined || attribute in attributes);
    });
    expect(wrong).toEqual([]);
    expect(telecomFeatures.filter((feature) => !valid(featureSchema, feature))).toEqual([]);
    expect(new Set(telecomFeatures.map(({ name }) => name)).size).toBe(telecomFeatures.length);
    expect(new Set(telecomFeatures.map(({ category }) => category))).toEqual(new Set(CATEGORIES));
    expect(inputWidth(telecomFeatures)).toBe(59);
  });

  it('find the facts of a long history too, and count only its last half-year', () => {
    const windowed = telecomFeatures.filter(({ windowDays }) => windowDays !== undefined);
    expect(new Set(windowed.map(({ windowDays }) => windowDays))).toEqual(new Set([180]));
    expect(windowed.map(({ aggregate }) => aggregate.kind)).not.toContain('last');
    const facts = telecomFeatures.filter(({ transform }) => transform.kind !== 'scale');
    const long = createTelecomPopulation({ ...options, customers: 50, windowMonths: 24 });
    for (const { index, profile } of long.customers()) {
      const events = long.customerEvents(index);
      const missing = facts.filter(
        ({ event, attribute = '' }) => !events.some(({ type, data }) => type === event && attribute in data),
      );
      expect(missing.map(({ name }) => name)).toEqual(
        profile.interest === null ? ['interest.stated.topic'] : [],
      );
    }
  });

  it('label: what the last event says, in a category that a churn task requires', () => {
    const label = telecomLabel(90);
    expect(valid(labelSchema, label)).toBe(true);
    expect(telecomRequiredCategories).toContain(label.category);
    const last = everyEvent.map((events) => events.at(-1));
    expect(new Set(last.map((event) => event?.data[label.attribute]))).toEqual(
      new Set([...label.positive, ...label.negative]),
    );
    expect(new Set(last.map((event) => event?.type))).toEqual(new Set([label.event]));
  });
});
