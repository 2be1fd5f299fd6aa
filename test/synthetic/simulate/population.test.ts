import { customerEventSchema } from '@twinkeep/protocol';
import {
  createSimulation,
  INDUSTRIES,
  simulationEventTypes,
  type FederationOptions,
  type SimulationOptions,
} from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { mean } from '../support/likelihood.ts';

const base: SimulationOptions = {
  industry: 'telecom',
  seed: 71,
  customers: 400,
  months: 12,
  startTime: '2025-01-01T00:00:00Z',
};
const start = Date.parse(base.startTime);

describe.each([...INDUSTRIES])('%s', (industry) => {
  const options = { ...base, industry };
  const simulation = createSimulation(options);
  const everyEvent = Array.from({ length: simulation.size }, (_, i) => simulation.events(i));

  it('sends valid events, in order, within its time, of the types and bounds that it announces', () => {
    const types = new Map(simulationEventTypes(industry).map((schema) => [schema.type, schema]));
    const seen = new Set<string>();
    for (const events of everyEvent) {
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      expect(events.map(({ time }) => time)).toEqual(events.map(({ time }) => time).toSorted());
      for (const event of events) {
        v.assert(customerEventSchema, event);
        seen.add(event.type);
        const { source, category, attributes } = types.get(event.type)!;
        expect([event.source, event.category]).toEqual([source, category]);
        const time = Date.parse(event.time) - start;
        expect(time >= 0 && time < 360 * 86_400_000).toBe(true);
        for (const [name, value] of Object.entries(event.data)) {
          const schema = attributes[name]!;
          if (schema.kind === 'boolean') expect(typeof value).toBe('boolean');
          else if (schema.kind === 'category') expect(schema.vocabulary).toContain(value);
          else {
            const number = value as number;
            expect(number >= schema.min && number <= schema.max).toBe(true);
            const steps = number / schema.step;
            expect(Math.abs(steps - Math.round(steps))).toBeLessThan(1e-6);
          }
        }
      }
    }
    expect([...seen].toSorted()).toEqual([...types.keys()]);
  });

  it('has rows with the same columns for everybody, which agree with the events', () => {
    const rows = everyEvent.map((_, i) => simulation.record(i));
    const columns = Object.keys(rows[0]!);
    for (const [i, row] of rows.entries()) {
      expect(Object.keys(row)).toEqual(columns);
      const count = (type: string): number => everyEvent[i]!.filter((event) => event.type === type).length;
      expect(row['sessions']).toBe(count('session.visited'));
      expect(row['tickets']).toBe(count('ticket.opened'));
      if ('left' in row) expect(row['left']).toBe(count('customer.left') === 1);
      if ('orders' in row) expect(row['orders']).toBe(count('order.placed'));
      if ('appointments' in row) expect(row['appointments']).toBe(count('appointment.closed'));
      if ('units' in row)
        expect(row['units']).toBe(
          everyEvent[i]!.reduce((sum, { data }) => sum + Number(data['units'] ?? 0), 0),
        );
      expect(row['id']).toBe(simulation.customer(i).id);
    }
    expect(mean(rows.map(({ income }) => Number(income === null)))).toBeCloseTo(0.12, 1);
  });

  it('keeps the answer key out of what it shows', () => {
    const truths = everyEvent.map((_, i) => createSimulationTruths(options).truth(i));
    const shown = JSON.stringify([everyEvent, simulation.customer(3), simulation.record(3)]);
    expect(shown).not.toMatch(/hazard|truth|elasticity|potential|propensities|satisfaction/i);
    for (const { acceptance, elasticity } of truths.slice(0, 20))
      for (const secret of [elasticity, ...acceptance]) expect(shown).not.toContain(String(secret));
  });

  it('asks for consent: most grant, some refuse, some withdraw', () => {
    const consents = everyEvent.map((_, i) => simulation.customer(i).consent);
    expect(mean(consents.map((consent) => Number('refused' in consent)))).toBeCloseTo(0.08, 1);
    const granted = consents.flatMap((consent) => ('granted' in consent ? consent.granted : []));
    expect(granted.length / consents.length).toBeGreaterThan(4);
    expect(consents.some((consent) => 'withdrawsAt' in consent)).toBe(true);
  });
});

describe('federation', () => {
  const customers = 6_000;
  const made = (federation: Partial<FederationOptions>) => {
    const options = { ...base, customers, federation };
    const simulation = createSimulation(options);
    const everybody = Array.from({ length: customers }, (_, i) => simulation.customer(i));
    return { options, simulation, everybody, key: createSimulationTruths(options) };
  };
  const shares = (values: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1 / values.length);
    return counts;
  };

  it('sizes: as even as wanted', () => {
    const even = shares(made({ sites: 10 }).everybody.map(({ site }) => site));
    expect(Math.min(...even.values())).toBeGreaterThan(0.08);
    const skewed = made({ sites: 10, sizeSkew: 1.5 });
    const sizes = shares(skewed.everybody.map(({ site }) => site));
    expect(Math.max(...sizes.values()) / Math.min(...sizes.values())).toBeGreaterThan(10);
    for (const { index, weight } of skewed.key.sites)
      expect(Math.abs((sizes.get(`site-${index}`) ?? 0) - weight)).toBeLessThan(0.02);
  });

  it('covariates: the mix of segments of a site is its own', () => {
    const { everybody, key } = made({ sites: 4, covariateSkew: 1 });
    const names = key.parameters.segments.map(({ name }) => name);
    for (const { index, mix } of key.sites) {
      const here = everybody.filter(({ site }) => site === `site-${index}`);
      const found = shares(here.map(({ profile }) => profile.segment));
      for (const [i, name] of names.entries())
        expect(Math.abs((found.get(name) ?? 0) - mix[i]!)).toBeLessThan(0.06);
    }
    const first = key.sites.map(({ mix }) => mix[0]!);
    expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(0.2);
  });

  it('labels: a site loses customers at a rate of its own', () => {
    const { simulation, everybody, key } = made({ sites: 4, labelSkew: 2 });
    const left = everybody.map(({ index }) => Number(simulation.record(index)['left']));
    const rates = key.sites.map(({ index }) =>
      mean(left.filter((_, i) => everybody[i]!.site === `site-${index}`)),
    );
    const byShift = key.sites
      .toSorted((a, b) => a.labelShift - b.labelShift)
      .map(({ index }) => rates[index]!);
    for (const [i, rate] of byShift.slice(1).entries()) expect(rate).toBeGreaterThan(byShift[i]! - 0.02);
    expect(byShift.at(-1)! - byShift[0]!).toBeGreaterThan(0.1);
  });

  it('schemas: from half-time on a drifting site says the same in other words', () => {
    const { simulation, everybody, key } = made({ sites: 4, schemaDrift: 0.5 });
    const still = createSimulation({ ...base, customers, federation: { sites: 4 } });
    const drifting = new Set(
      key.sites.filter(({ driftMonth }) => driftMonth !== null).map(({ index }) => index),
    );
    expect(drifting.size > 0 && drifting.size < 4).toBe(true);
    const second = new Map(simulationEventTypes('telecom', 2).map((schema) => [schema.type, schema]));
    let changed = 0;
    for (const { index, site } of everybody.slice(0, 300)) {
      const drifts = drifting.has(Number(site.slice('site-'.length)));
      for (const [i, event] of simulation.events(index).entries()) {
        const before = still.events(index)[i]!;
        const late = drifts && Date.parse(event.time) - start >= 180 * 86_400_000;
        if (!late) expect(event).toEqual(before);
        else {
          expect(Object.keys(second.get(event.type)!.attributes)).toEqual(
            expect.arrayContaining(Object.keys(event.data)),
          );
          if ('amount' in before.data) {
            changed++;
            expect(event.data['amountCents']).toBe(Math.round(100 * Number(before.data['amount'])));
            expect(event.data).not.toHaveProperty('amount');
          }
        }
      }
    }
    expect(changed).toBeGreaterThan(50);
  });

  it('duplicates: the same person under another number at another site', () => {
    const { everybody, key } = made({ sites: 3, duplicates: 0.2 });
    const people = everybody.map(({ index }) => key.truth(index).person);
    const copies = everybody.filter(({ id }, i) => people[i] !== id);
    expect(Math.abs(copies.length / customers - 0.2)).toBeLessThan(0.02);
    for (const copy of copies) {
      const person = everybody[Number(people[copy.index]!.slice('telecom-'.length))]!;
      expect(people[person.index]).toBe(person.id);
      expect(copy.profile).toEqual(person.profile);
      expect(copy.site).not.toBe(person.site);
    }
  });
});

describe('options', () => {
  it.each([
    [{ industry: 'mining' as never }, /industry/],
    [{ customers: 0 }, /customers/],
    [{ months: 121 }, /months/],
    [{ startTime: '2025-02-30T00:00:00Z' }, /startTime/],
    [{ prices: 'fair' as never }, /prices/],
    [{ seed: -1 }, /seed/],
    [{ federation: { sites: 0 } }, /sites/],
    [{ federation: { labelSkew: 0 } }, /labelSkew/],
    [{ federation: { schemaDrift: 1.1 } }, /schemaDrift/],
    [{ federation: { duplicates: 0.1 } }, /duplicates/],
  ])('refuses %j', (wrong, message) => {
    const options = { ...base, ...wrong };
    expect(() => createSimulation(options)).toThrow(RangeError);
    expect(() => createSimulation(options)).toThrow(message);
  });

  it.each([-1, 400, 0.5])('has no customer %s', (index) => {
    const simulation = createSimulation(base);
    for (const ask of [simulation.customer, simulation.events, simulation.record, simulation.eventLines])
      expect(() => ask(index)).toThrow(RangeError);
    expect(() => createSimulationTruths(base).truth(index)).toThrow(RangeError);
  });
});
