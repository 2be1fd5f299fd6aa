import { createHash } from 'node:crypto';
import { CATEGORIES } from '@twinkeep/consent';
import { customerEventSchema, featureSchema, inputWidth, labelSchema } from '@twinkeep/protocol';
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
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const options: PopulationOptions = { seed: 1, customers: 2_000, referenceTime: '2026-01-01T00:00:00Z' };
const population = createTelecomPopulation(options);
const everybody = [...population.customers()];
const everyEvent = everybody.map(({ index }) => population.customerEvents(index));

/** Of all that the generator itself makes; identity strings are faker's and change with its word lists. */
function digest(given: PopulationOptions): string {
  const hash = createHash('sha256');
  const made = createTelecomPopulation(given);
  for (const { index, id, profile, consent } of made.customers())
    hash.update(`${JSON.stringify([id, profile, consent, made.customerEvents(index)])}\n`);
  return hash.digest('hex');
}

describe('determinism', () => {
  it('keeps the bytes of the first release', () => {
    expect(digest({ ...options, customers: 300 })).toBe('6ef8161fd6df0d9bd0244648784ac83f2241ea1eeeec979dfb9351c8a6264864');
    expect(digest({ ...options, customers: 300, windowMonths: 12, horizonDays: 30 })).toBe('e147891820969b3d5558b14ebe398e632fba591d07073e631d7b6b96a150c2cc');
  });

  it('makes other customers from another seed', () => {
    expect(digest({ ...options, customers: 20, seed: 2 })).not.toBe(digest({ ...options, customers: 20 }));
  });

  it('makes each customer from their number alone, whoever was asked for before', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 60 }, (_, i) => i * 33),
      { minLength: 2 },
    );
    fc.assert(
      fc.property(order, fc.integer({ min: 2_000, max: 1_000_000 }), (indices, customers) => {
        const other = createTelecomPopulation({ ...options, customers });
        for (const index of indices) {
          expect(other.customerEvents(index)).toEqual(everyEvent[index]);
          expect(other.customer(index)).toEqual(everybody[index]);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('streams: the first customers of four billion come at once', () => {
    const huge = createTelecomPopulation({ ...options, customers: 0xffffffff });
    const [first] = huge.customers();
    expect(first).toEqual(everybody[0]);
    expect(huge.customerEvents(0xfffffffe).at(-1)?.type).toBe('churn.observed');
  });
});

describe('events', () => {
  it('follow the wire schema of the protocol, with ids unique per customer', () => {
    for (const events of everyEvent) {
      for (const event of events) expect(v.is(customerEventSchema, event)).toBe(true);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    }
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
        for (let index = 0; index < made.size; index++) checkCustomer(made.customerEvents(index), given);
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
        (everyEvent[index] ?? []).flatMap(({ data }) => Object.values(data).map(String)),
      );
      for (const line of Object.values(identity) as string[]) {
        expect(text).not.toContain(line);
        for (const word of line.split(/[ ,.@]+/)) expect(values).not.toContain(word.toLowerCase());
      }
    }
  });
});

/** Types, values, order and times of one customer's events. */
function checkCustomer(
  events: ReturnType<typeof population.customerEvents>,
  { referenceTime, windowMonths = 6, horizonDays = 90 }: PopulationOptions,
): void {
  const reference = Date.parse(referenceTime);
  const start = reference - windowMonths * 30 * 86_400_000;
  const label = events.at(-1);
  let previous = start;
  for (const event of events) {
    const schema = [...telecomEventTypes, telecomLabelType].find(
      ({ type, source, category }) =>
        event.type === type && event.source === source && event.category === category,
    );
    expect(Object.keys(event.data).toSorted()).toEqual(Object.keys(schema?.attributes ?? {}).toSorted());
    for (const [name, value] of Object.entries(event.data))
      expect(within(value, schema?.attributes[name]), `${event.type} ${name} ${value}`).toBe(true);
    const time = Date.parse(event.time);
    expect(time).toBeGreaterThanOrEqual(previous);
    if (event !== label) expect(time).toBeLessThan(reference);
    previous = time;
  }
  expect(label?.type).toBe('churn.observed');
  expect(previous).toBe(reference + horizonDays * 86_400_000);
}

function within(value: unknown, schema: AttributeSchema | undefined): boolean {
  if (schema?.kind === 'number') {
    if (typeof value !== 'number' || value < schema.min || value > schema.max) return false;
    return Math.abs(value / schema.step - Math.round(value / schema.step)) < 1e-6;
  }
  if (schema?.kind === 'category') return schema.vocabulary.includes(value as string);
  return typeof value === 'boolean';
}

describe('identities', () => {
  it('reach nobody', () => {
    for (const { identity } of everybody) {
      expect(identity.email).toMatch(/@example\.(com|net|org)$/);
      expect(identity.phone).toMatch(/^\+1[2-9]\d{2}55501\d{2}$/);
    }
  });

  it('differ between customers', () => {
    expect(new Set(everybody.map(({ identity }) => JSON.stringify(identity))).size).toBe(everybody.length);
    expect(new Set(everybody.map(({ identity }) => identity.name)).size).toBeGreaterThan(1_900);
  });
});

describe('consent', () => {
  const share = (holds: (consent: (typeof everybody)[number]['consent']) => boolean): number =>
    everybody.filter(({ consent }) => holds(consent)).length / everybody.length;
  const around = (rate: number): [number, number] => {
    const margin = 4.5 * Math.sqrt((rate * (1 - rate)) / everybody.length);
    return [rate - margin, rate + margin];
  };
  const expectShare = (got: number, rate: number): void => {
    const [low, high] = around(rate);
    expect(got).toBeGreaterThan(low);
    expect(got).toBeLessThan(high);
  };

  it('is refused by about 8 %, withdrawn midway by about 3 % of the others', () => {
    expectShare(
      share(({ granted }) => granted.length === 0),
      0.08,
    );
    expectShare(
      share(({ withdrawsAt }) => withdrawsAt !== null),
      0.92 * 0.03,
    );
    for (const { consent } of everybody) {
      if (consent.withdrawsAt === null) continue;
      expect(consent.granted.length).toBeGreaterThan(0);
      expect(consent.withdrawsAt).toBeGreaterThan(0);
      expect(consent.withdrawsAt).toBeLessThan(1);
    }
  });

  it('covers the required categories of all who grant any, and the optional ones of most', () => {
    for (const { consent } of everybody) {
      if (consent.granted.length === 0) continue;
      expect(consent.granted).toEqual(expect.arrayContaining([...telecomRequiredCategories]));
    }
    expectShare(
      share(({ granted }) => granted.includes('third_party_enrichment')),
      0.92 * 0.75,
    );
    expectShare(
      share(({ granted }) => granted.length === CATEGORIES.length),
      0.92 * 0.88 * 0.75 * 0.9 * 0.8,
    );
  });
});

describe('features and label', () => {
  it('are valid, differ in name, and ask only for what the events have', () => {
    for (const feature of telecomFeatures) {
      expect(v.is(featureSchema, feature), feature.name).toBe(true);
      const sources = telecomEventTypes.filter(
        ({ type, category }) => type === feature.event && category === feature.category,
      );
      expect(sources.length).toBeGreaterThan(0);
      if (feature.attribute !== undefined)
        expect(sources.some(({ attributes }) => (feature.attribute as string) in attributes)).toBe(true);
    }
    expect(new Set(telecomFeatures.map(({ name }) => name)).size).toBe(telecomFeatures.length);
    expect(new Set(telecomFeatures.map(({ category }) => category))).toEqual(new Set(CATEGORIES));
    expect(inputWidth(telecomFeatures)).toBe(59);
  });

  it('label: what the last event says, in a category that a churn task requires', () => {
    const label = telecomLabel(90);
    expect(v.is(labelSchema, label)).toBe(true);
    expect(telecomRequiredCategories).toContain(label.category);
    const last = everyEvent.map((events) => events.at(-1));
    expect(new Set(last.map((event) => event?.data[label.attribute]))).toEqual(
      new Set([...label.positive, ...label.negative]),
    );
    expect(new Set(last.map((event) => event?.type))).toEqual(new Set([label.event]));
  });
});

describe('options', () => {
  it.each([
    [{ customers: 0 }, 'population/invalid'],
    [{ customers: 1.5 }, 'population/invalid'],
    [{ customers: 2 ** 32 }, 'population/invalid'],
    [{ windowMonths: 5 }, 'population/invalid'],
    [{ horizonDays: 0 }, 'population/invalid'],
    [{ referenceTime: '2026-01-01' }, 'population/invalid'],
    [{ referenceTime: '2026-02-30T00:00:00Z' }, 'population/invalid'],
    [{ referenceTime: '2026-01-01T00:00:00+01:00' }, 'population/invalid'],
    [{ seed: -1 }, 'seed/invalid'],
  ])('refuses %j', (wrong, code) => {
    expect(() => createTelecomPopulation({ ...options, ...wrong })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it.each([-1, 2_000, 0.5])('has no customer %s', (index) => {
    const code = 'population/no-such-customer';
    expect(() => population.customer(index)).toThrow(expect.objectContaining({ code }));
    expect(() => population.customerEvents(index)).toThrow(expect.objectContaining({ code }));
  });
});
