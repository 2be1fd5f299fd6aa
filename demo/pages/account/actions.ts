/** What a visitor can do in the app, as the events that its own systems would send. */
import type { Category } from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';

export type Happening = Pick<CustomerEvent, 'type' | 'source' | 'category' | 'data'>;

const happening =
  <Input extends unknown[]>(
    type: string,
    source: string,
    category: Category,
    data: (...input: Input) => Record<string, AttributeValue>,
  ) =>
  (...input: Input): Happening => ({ type, source, category, data: data(...input) });

export const ACTIONS = {
  open: happening('app.session', 'app', 'behavioral', (minutes: number) => ({ minutes })),
  pay: happening('payment.received', 'billing', 'transactional', (amount: number) => ({ amount })),
  payLate: happening('payment.late', 'billing', 'transactional', (amount: number, daysLate: number) => ({
    amount,
    daysLate,
  })),
  bill: happening('invoice.issued', 'billing', 'transactional', (amount: number) => ({ amount })),
  raisePrice: happening('price.changed', 'billing', 'transactional', (percent: number) => ({ percent })),
  contract: happening('attribute.set', 'crm', 'transactional', (contract: string) => ({ contract })),
  techSupport: happening('attribute.set', 'crm', 'transactional', (techSupport: boolean) => ({
    techSupport,
  })),
  useData: happening('usage.data', 'network', 'behavioral', (utilisation: number, gb: number) => ({
    gb,
    utilisation,
  })),
  help: happening('support.contact', 'care', 'interaction', (resolved: boolean) => ({
    channel: 'chat',
    resolved,
  })),
  outage: happening('outage.reported', 'network', 'interaction', (minutes: number) => ({ minutes })),
  rate: happening('survey.nps', 'survey', 'feedback', (score: number) => ({ score })),
  interest: happening('interest.stated', 'app', 'psychographic', (topic: string) => ({ topic })),
} as const;

/** @param id unique to the twin; @param now milliseconds since 1970 */
export function toEvent(what: Happening, id: string, now: number): CustomerEvent {
  return { id, ...what, time: new Date(now).toISOString() };
}
