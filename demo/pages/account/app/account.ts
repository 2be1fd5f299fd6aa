/** What the app shows of the customer: the last word of everything that it knows to have happened. */
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';

export interface Account {
  contract: string;
  plan: string;
  line: string;
  techSupport: boolean;
  monthsHere: number;
  /** Of the last bill, in euros. */
  amount: number;
  /** Share of the data used, in percent. */
  used: number;
  interest: string | null;
  /** Newest first. */
  bills: { id: string; time: string; amount: number; daysLate: number | null }[];
}

export function accountOf(events: readonly CustomerEvent[]): Account {
  const last = (type: string, attribute: string): AttributeValue | undefined =>
    events.findLast((event) => event.type === type && attribute in event.data)?.data[attribute];
  return {
    contract: String(last('attribute.set', 'contract') ?? 'month_to_month'),
    plan: String(last('attribute.set', 'pricePlan') ?? 'basic'),
    line: String(last('attribute.set', 'internetService') ?? 'dsl'),
    techSupport: last('attribute.set', 'techSupport') === true,
    monthsHere: Number(last('attribute.set', 'tenureMonths') ?? 0),
    amount: Number(last('invoice.issued', 'amount') ?? 0),
    used: Number(last('usage.data', 'utilisation') ?? 0),
    interest: (last('interest.stated', 'topic') as string | undefined) ?? null,
    bills: events
      .filter(({ type }) => type === 'payment.received' || type === 'payment.late')
      .map(({ id, time, data }) => ({
        id,
        time,
        amount: Number(data['amount']),
        daysLate: typeof data['daysLate'] === 'number' ? data['daysLate'] : null,
      }))
      .toReversed(),
  };
}
