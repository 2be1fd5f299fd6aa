/** A simulated history as the events that the operator's systems would have sent, and the label event that follows. */
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';
import { integer } from '../distributions.ts';
import { secondToInstant } from '../instant.ts';
import type { RandomSource } from '../prng.ts';
import type { TelecomHistory, TelecomMonth } from './history.ts';
import type { TelecomProfile } from './profile.ts';
import { telecomEventType, telecomLabelType } from './schema.ts';

const DAY = 86_400;
/** A billing month has 30 days, so that windows are the same length for everybody. */
export const MONTH_DAYS = 30;
/** Invoices are due after 14 days; a late payment follows up to 13 days after that, still within its month. */
const DUE_DAY = 14;

export interface TelecomWindow {
  /** The instant that features look back from, in seconds since 1970. */
  reference: number;
  months: number;
  horizonDays: number;
}

/** By time, then by id; all before the reference instant. Ids are unique within the customer and name no other event. */
export function telecomEvents(
  random: RandomSource,
  customer: number,
  profile: TelecomProfile,
  history: TelecomHistory,
  window: TelecomWindow,
): CustomerEvent[] {
  const events: { second: number; event: CustomerEvent }[] = [];
  const start = window.reference - window.months * MONTH_DAYS * DAY;

  /** `days`: whole days of the month, both ends included, on which the event may fall; its second of the day is drawn. */
  const emit: Emit = (name, month, [firstDay, lastDay], data, index = 0) => {
    const { type, source, category } = EVENT_TYPES[name];
    const stream = random.stream(customer, `time:${name}`, month * 1_000 + index);
    const day = integer(stream, firstDay, lastDay);
    const second = start + (month * MONTH_DAYS + day) * DAY + integer(stream, 0, DAY - 1);
    const id = `${name}-${month}-${index}`;
    events.push({ second, event: { id, source, type, time: secondToInstant(second), category, data } });
  };

  const first = (history.months[0] as TelecomMonth).month;
  emitFacts(emit, profile, first, window.months - 1);
  for (const month of history.months) emitMonth(emit, month);
  return events
    .toSorted((a, b) => a.second - b.second || (a.event.id < b.event.id ? -1 : 1))
    .map(({ event }) => event);
}

/** What the horizon showed. */
export function churnEvent(churned: boolean, window: TelecomWindow): CustomerEvent {
  const { type, source, category } = telecomLabelType;
  const time = secondToInstant(window.reference + window.horizonDays * DAY);
  return { id: 'churn', source, type, time, category, data: { value: Number(churned) } };
}

type Emit = (
  name: EventName,
  month: number,
  days: readonly [number, number],
  data: Record<string, AttributeValue>,
  index?: number,
) => void;

/** Facts of the contract come as the nightly export before the reference instant, the others once, early in the window. */
function emitFacts(emit: Emit, profile: TelecomProfile, first: number, last: number): void {
  const { senior, partner, dependents, segment, deviceClass, coverage, interest, ...contract } = profile;
  emit('contract', last, [MONTH_DAYS - 1, MONTH_DAYS - 1], contract);
  emit('person', first, [0, 6], { senior, partner, dependents });
  emit('segment', first, [0, 6], { segment });
  emit('device', first, [0, 6], { class: deviceClass, coverage });
  if (interest !== null) emit('interest', first, [0, MONTH_DAYS - 1], { topic: interest });
}

function emitMonth(emit: Emit, drawn: TelecomMonth): void {
  const { month } = drawn;
  const amount = drawn.amount / 100;
  const anyDay = [0, MONTH_DAYS - 1] as const;
  if (drawn.priceRise > 0) emit('price', month, [0, 0], { percent: drawn.priceRise });
  emit('invoice', month, [0, 0], { amount });
  if (drawn.daysLate === 0) emit('payment', month, [1, DUE_DAY - 1], { amount });
  else {
    const day = DUE_DAY + drawn.daysLate;
    emit('late', month, [day, day], { amount, daysLate: drawn.daysLate });
  }
  emit('usage', month, [MONTH_DAYS - 1, MONTH_DAYS - 1], {
    gb: drawn.usage / 10,
    utilisation: drawn.utilisation,
  });
  drawn.sessions.forEach(({ minutes }, i) => emit('session', month, anyDay, { minutes }, i));
  drawn.contacts.forEach(({ channel, resolved }, i) =>
    emit('contact', month, anyDay, { channel, resolved }, i),
  );
  drawn.outages.forEach(({ minutes }, i) => emit('outage', month, anyDay, { minutes }, i));
  if (drawn.npsScore !== null) emit('nps', month, [20, MONTH_DAYS - 1], { score: drawn.npsScore });
}

type EventName = keyof typeof EVENT_TYPES;

const EVENT_TYPES = {
  contract: telecomEventType('attribute.set', 'contract'),
  person: telecomEventType('attribute.set', 'senior'),
  segment: telecomEventType('household.segment', 'segment'),
  device: telecomEventType('device.class', 'class'),
  interest: telecomEventType('interest.stated', 'topic'),
  price: telecomEventType('price.changed', 'percent'),
  invoice: telecomEventType('invoice.issued', 'amount'),
  payment: telecomEventType('payment.received', 'amount'),
  late: telecomEventType('payment.late', 'daysLate'),
  usage: telecomEventType('usage.data', 'utilisation'),
  session: telecomEventType('app.session', 'minutes'),
  contact: telecomEventType('support.contact', 'resolved'),
  outage: telecomEventType('outage.reported', 'minutes'),
  nps: telecomEventType('survey.nps', 'score'),
} as const;
