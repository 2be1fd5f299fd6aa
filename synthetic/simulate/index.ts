/**
 * The entry `@twinkeep/synthetic/simulate`: populations of five industries whose every mechanism is known. Runs anywhere; the
 * answer key is at `@twinkeep/synthetic/truth`.
 */
import type { CustomerEvent } from '@twinkeep/protocol';
import { drawConsent, type ConsentBehaviour } from '../consent.ts';
import { lifeEvents } from './events.ts';
import { createWorld } from './life.ts';
import type { MarketRow } from './market.ts';
import type { SimulationOptions } from './options.ts';
import type { Profile } from './person.ts';
import { customerId, lifeRecord, type RecordValue } from './record.ts';

export interface SimulatedCustomer {
  index: number;
  /** Unique in the simulation; says nothing about the person. */
  id: string;
  /** Name of the site that knows them under this id. */
  site: string;
  profile: Profile;
  consent: ConsentBehaviour;
}

export interface Simulation {
  readonly size: number;
  /** Names of the sites. */
  readonly sites: readonly string[];
  /** @throws RangeError */
  customer(index: number): SimulatedCustomer;
  /** By time. @throws RangeError */
  events(index: number): CustomerEvent[];
  /** One row per customer, the same columns for all of an industry. @throws RangeError */
  record(index: number): Record<string, RecordValue>;
  /** Prices and sales of every site's goods, week by week; nothing where the industry has none. */
  market(): IterableIterator<MarketRow>;
  /** A customer's events as lines of JSON, each with `customer` and `site`. Lines of customers in a row make the whole file. */
  eventLines(index: number): string;
}

/** Nothing is computed before it is asked for, and each customer from their number alone. @throws RangeError */
export function createSimulation(options: SimulationOptions): Simulation {
  const world = createWorld(options);
  const { preset, random, sites, market } = world;
  const events = (index: number): CustomerEvent[] => lifeEvents(world, world.life(index));
  return {
    size: world.options.customers,
    sites: sites.map(({ index }) => `site-${index}`),
    customer(index) {
      const { site, profile } = world.person(index);
      return {
        index,
        id: customerId(world, index),
        site: `site-${site}`,
        profile,
        consent: drawConsent(random, index, preset.refusals),
      };
    },
    events,
    record: (index) => lifeRecord(world, world.life(index)),
    *market() {
      if (market !== null) yield* market.rows();
    },
    eventLines(index) {
      const life = world.life(index);
      const head = { customer: customerId(world, index), site: `site-${life.site.index}` };
      return lifeEvents(world, life)
        .map((event) => `${JSON.stringify({ ...head, ...event })}\n`)
        .join('');
    },
  };
}

export type { MarketRow } from './market.ts';
export { INDUSTRIES, type FederationOptions, type Industry, type SimulationOptions } from './options.ts';
export type { Profile } from './person.ts';
export type { RecordValue } from './record.ts';
export { simulationEventTypes, type SchemaVersion } from './schema.ts';
