/** What is said to drive churn, read from a customer's events alone; `sign` is the direction that the mechanism states. */
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';

export interface Driver {
  name: string;
  sign: 1 | -1;
  value(events: readonly CustomerEvent[]): number;
}

export const drivers: readonly Driver[] = [
  { name: 'one-year contract', sign: -1, value: (events) => Number(fact(events, 'contract') === 'one_year') },
  { name: 'two-year contract', sign: -1, value: (events) => Number(fact(events, 'contract') === 'two_year') },
  { name: 'first months', sign: 1, value: (events) => Math.exp(-Number(fact(events, 'tenureMonths')) / 8) },
  {
    name: 'pays by check',
    sign: 1,
    value: (events) => Number(fact(events, 'paymentMethod') === 'electronic_check'),
  },
  { name: 'technical support', sign: -1, value: (events) => Number(fact(events, 'techSupport')) },
  { name: 'price', sign: 1, value: (events) => values(events, 'invoice.issued', 'amount').at(-1) ?? 0 },
  { name: 'price rises', sign: 1, value: (events) => sum(values(events, 'price.changed', 'percent')) },
  { name: 'late payments', sign: 1, value: (events) => values(events, 'payment.late', 'daysLate').length },
  { name: 'unresolved contacts', sign: 1, value: (events) => Number(unresolved(events) >= 2) },
  { name: 'outages', sign: 1, value: (events) => values(events, 'outage.reported', 'minutes').length },
  {
    name: 'survey answer',
    sign: -1,
    value: (events) => (values(events, 'survey.nps', 'score').at(-1) ?? 7) - 7,
  },
  { name: 'misfit of the plan', sign: 1, value: (events) => Math.min(4, ((meanUse(events) - 65) / 30) ** 2) },
  {
    name: 'falling use',
    sign: 1,
    value: (events) =>
      Math.max(0, meanUse(events) - (values(events, 'usage.data', 'utilisation').at(-1) ?? 0)),
  },
];

function fact(events: readonly CustomerEvent[], name: string): AttributeValue | undefined {
  return events.findLast(({ type, data }) => type === 'attribute.set' && name in data)?.data[name];
}

function values(events: readonly CustomerEvent[], type: string, attribute: string): number[] {
  return events.filter((event) => event.type === type).map(({ data }) => Number(data[attribute]));
}

function unresolved(events: readonly CustomerEvent[]): number {
  return values(events, 'support.contact', 'resolved').filter((resolved) => resolved === 0).length;
}

function meanUse(events: readonly CustomerEvent[]): number {
  const use = values(events, 'usage.data', 'utilisation');
  return sum(use) / use.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, x) => total + x, 0);
}
