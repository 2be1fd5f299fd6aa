import { createHash } from 'node:crypto';
import { CATEGORIES, type Category } from '@twinkeep/consent';
import {
  createTelecomPopulation,
  telecomRequiredCategories,
  type ConsentBehaviour,
  type PopulationOptions,
} from '@twinkeep/synthetic';
import * as fc from 'fast-check';
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
    expect(digest({ ...options, customers: 300 })).toBe(
      '4a6b719d071b0e332426e1cc850158556271ab0617b7ab4cf9f4f14994c85d4e',
    );
    expect(digest({ ...options, customers: 300, windowMonths: 12, horizonDays: 30 })).toBe(
      '4d2bc9bcecfa7c1cd361adbe216a558533bda658a7139c9bd3bd68edc726df66',
    );
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

/** How many standard errors the share of customers is away from the rate. */
function surprise(rate: number, holds: (consent: ConsentBehaviour) => boolean): number {
  const share = everybody.filter(({ consent }) => holds(consent)).length / everybody.length;
  return Math.abs(share - rate) / Math.sqrt((rate * (1 - rate)) / everybody.length);
}

const categoriesOf = (consent: ConsentBehaviour): Category[] => ('granted' in consent ? consent.granted : []);

describe('consent', () => {
  it('is refused by about 8 %, withdrawn midway by about 3 % of the others', () => {
    expect(surprise(0.08, (consent) => 'refused' in consent)).toBeLessThan(4.5);
    expect(surprise(0.92 * 0.03, (consent) => 'withdrawsAt' in consent)).toBeLessThan(4.5);
    const times = everybody.flatMap(({ consent }) =>
      'granted' in consent ? (consent.withdrawsAt ?? []) : [],
    );
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(Math.max(...times)).toBeLessThan(1);
  });

  it('covers the required categories of all who grant any, and the optional ones of most', () => {
    const lacking = everybody
      .map(({ consent }) => categoriesOf(consent))
      .filter((granted) => granted.length > 0)
      .filter((granted) => telecomRequiredCategories.some((category) => !granted.includes(category)));
    expect(lacking).toEqual([]);
    expect(
      surprise(0.92 * 0.75, (consent) => categoriesOf(consent).includes('third_party_enrichment')),
    ).toBeLessThan(4.5);
    const all = 0.92 * 0.88 * 0.75 * 0.9 * 0.8;
    expect(surprise(all, (consent) => categoriesOf(consent).length === CATEGORIES.length)).toBeLessThan(4.5);
  });
});

describe('options', () => {
  it.each([
    { customers: 0 },
    { customers: 1.5 },
    { customers: 2 ** 32 },
    { windowMonths: 5 },
    { horizonDays: 0 },
    { referenceTime: '2026-01-01' },
    { referenceTime: '2026-02-30T00:00:00Z' },
    { referenceTime: '2026-01-01T00:00:00+01:00' },
    { seed: -1 },
  ])('refuses %j', (wrong) => {
    expect(() => createTelecomPopulation({ ...options, ...wrong })).toThrow(RangeError);
  });

  it.each([-1, 2_000, 0.5])('has no customer %s', (index) => {
    expect(() => population.customer(index)).toThrow(RangeError);
    expect(() => population.customerEvents(index)).toThrow(RangeError);
  });
});
