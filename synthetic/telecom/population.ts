/** The telecom population: everything about its customers but the answer key (see `truth.ts`). */
import type { Category } from '@twinkeep/consent';
import { drawConsent } from '../consent.ts';
import { createIdentities } from '../identity.ts';
import type { Customer, Population, PopulationOptions } from '../population.ts';
import { churnEvent, telecomEvents } from './events.ts';
import type { TelecomProfile } from './profile.ts';
import { createTelecomSimulator } from './simulate.ts';

export type TelecomCustomer = Customer<TelecomProfile>;

/** The categories that a churn task cannot do without; who grants any, grants these. */
export const telecomRequiredCategories: readonly Category[] = ['transactional', 'behavioral', 'interaction'];

/** The share of those who grant anything that refuses an optional category. */
const REFUSALS: Readonly<Partial<Record<Category, number>>> = {
  contextual: 0.12,
  third_party_enrichment: 0.25,
  feedback: 0.1,
  psychographic: 0.2,
};

/** @throws RangeError */
export function createTelecomPopulation(options: PopulationOptions): Population<TelecomProfile> {
  const simulator = createTelecomSimulator(options);
  const { random } = simulator;
  const { customers: size, reference, referenceTime, windowMonths, horizonDays } = simulator.options;
  const identity = createIdentities(random, referenceTime);
  const window = { reference, months: windowMonths, horizonDays };

  const customer = (index: number): TelecomCustomer => ({
    index,
    id: `telecom-${index}`,
    profile: simulator.profile(index),
    identity: identity(index),
    consent: drawConsent(random, index, REFUSALS),
  });
  return {
    size,
    customer,
    *customers() {
      for (let index = 0; index < size; index++) yield customer(index);
    },
    customerEvents(index) {
      const { profile, history, churned } = simulator.life(index);
      return [...telecomEvents(random, index, profile, history, window), churnEvent(churned, window)];
    },
  };
}
