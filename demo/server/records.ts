/**
 * What the business of the demo already knows of a visitor who signs in: nine months of an invented customer, and that they are still
 * one today. That last fact is a label: it belongs to the customer as they stood a horizon ago, so a visitor's twin has something
 * to lend from the first minute, and what the visitor does now moves its guesses without being trained on.
 */
import type { CustomerEvent } from '@twinkeep/protocol';
import { createTelecomPopulation, telecomLabelType, type TelecomProfile } from '@twinkeep/synthetic';
import { createHash } from 'node:crypto';
import { HORIZON_DAYS } from '../customers/telecom.ts';

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
/** The horizon, and half a year to look back on at its beginning. */
const WINDOW_MONTHS = 9;
const CANDIDATES = 1_000;

/** Oldest first, the same for the same pseudonym on the same day. @param now milliseconds since 1970 */
export function recordsOf(subject: string, now: number): CustomerEvent[] {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const population = createTelecomPopulation({
    seed: createHash('sha256').update(subject).digest().readUIntBE(0, 6),
    customers: CANDIDATES,
    referenceTime: instant(today),
    windowMonths: WINDOW_MONTHS,
    horizonDays: HORIZON_DAYS,
  });
  let index = 0;
  while (index < CANDIDATES - 1 && !isEventful(population.customer(index).profile)) index++;
  const past = population.customerEvents(index).filter(({ time }) => Date.parse(time) < today);
  return [...contractAtStart(past, today), ...past, stillHere(today)];
}

/** Somebody with a past to look back on, who can leave and whose signals can turn. */
function isEventful({ tenureMonths, internetService, contract }: TelecomProfile): boolean {
  return tenureMonths > WINDOW_MONTHS && internetService !== 'none' && contract === 'month_to_month';
}

/** The nightly export of the contract comes once, at the end; the customer had it nine months ago too. */
function contractAtStart(past: readonly CustomerEvent[], today: number): CustomerEvent[] {
  const contract = past.find(({ data }) => 'tenureMonths' in data);
  if (contract === undefined) return [];
  const tenureMonths = Number(contract.data['tenureMonths']) - WINDOW_MONTHS;
  const time = instant(today - WINDOW_MONTHS * MONTH_DAYS * DAY_MS);
  return [{ ...contract, id: 'contract-at-start', time, data: { ...contract.data, tenureMonths } }];
}

function stillHere(today: number): CustomerEvent {
  const { type, source, category } = telecomLabelType;
  return { id: 'still-a-customer', source, type, time: instant(today), category, data: { value: 0 } };
}

function instant(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}
