/** A population: customers that are computed when asked for, each from its number alone, in any order and on any thread. */
import type { CustomerEvent } from '@twinkeep/protocol';
import type { ConsentBehaviour } from './consent.ts';
import type { Identity } from './identity.ts';
import { instantToSecond } from './instant.ts';

export interface PopulationOptions {
  /** An integer in [0, 2^53). Same options, same bytes. */
  seed: number;
  /** How many; an integer in [1, 2^32). */
  customers: number;
  /** The instant that features look back from, to the second, e.g. `2026-01-01T00:00:00Z`. */
  referenceTime: string;
  /** Billing months of 30 days of history before the reference instant, 6 to 36. Default 6. */
  windowMonths?: number;
  /** Days from the reference instant to the label, 1 to 365. Default 90. */
  horizonDays?: number;
}

/** `index` is the customer's number, from 0. */
export interface Customer<Profile> {
  index: number;
  /** Unique in the population; says nothing about the person. */
  id: string;
  identity: Identity;
  profile: Profile;
  consent: ConsentBehaviour;
}

export interface Population<Profile> {
  readonly size: number;
  /** @throws RangeError */
  customer(index: number): Customer<Profile>;
  /** In the order of their numbers, one at a time; nothing is kept. */
  customers(): IterableIterator<Customer<Profile>>;
  /** By time: the events before the reference instant, then the label event. @throws RangeError */
  customerEvents(index: number): CustomerEvent[];
}

export interface CheckedOptions {
  seed: number;
  customers: number;
  referenceTime: string;
  /** Seconds since 1970. */
  reference: number;
  windowMonths: number;
  horizonDays: number;
}

/** @throws RangeError with the option's name */
export function checkOptions(options: PopulationOptions): CheckedOptions {
  const { seed, customers, referenceTime, windowMonths = 6, horizonDays = 90 } = options;
  integerWithin('customers', customers, 1, 0xffffffff);
  integerWithin('windowMonths', windowMonths, 6, 36);
  integerWithin('horizonDays', horizonDays, 1, 365);
  const reference = instantToSecond(referenceTime);
  if (Number.isNaN(reference))
    throw new RangeError(`referenceTime: ${referenceTime} is not like 2026-01-01T00:00:00Z`);
  return { seed, customers, referenceTime, reference, windowMonths, horizonDays };
}

/** @throws RangeError */
export function checkIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new RangeError(`there is no customer ${index} among ${size}`);
}

function integerWithin(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name}: ${value} is no integer from ${min} to ${max}`);
}
