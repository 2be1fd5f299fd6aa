/** A life as the events that the industry's systems would have sent. */
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';
import { uniform } from '../distributions.ts';
import { secondToInstant } from '../instant.ts';
import { MONTH_DAYS } from './behaviour/draw.ts';
import type { Life, World } from './life.ts';
import { changedWord, simulationEventTypes } from './schema.ts';

const DAY = 86_400;

/** `day`: days from the start, with a fraction. */
type Emit = (type: string, day: number, data: Record<string, AttributeValue>) => void;

/** By time, then by id; none after the customer left. Ids are unique within the customer and name no other event. */
export function lifeEvents(world: World, life: Life): CustomerEvent[] {
  const types = new Map(simulationEventTypes(world.options.industry).map((schema) => [schema.type, schema]));
  const counts = new Map<string, number>();
  const events: { day: number; second: number; event: CustomerEvent }[] = [];

  const emit: Emit = (name, day, data) => {
    const ordinal = counts.get(name) ?? 0;
    counts.set(name, ordinal + 1);
    if (day > life.end) return;
    const { type, source, category } = types.get(name) as NonNullable<ReturnType<typeof types.get>>;
    const second = world.options.start + Math.floor(day * DAY);
    const event = { id: `${type}-${ordinal}`, source, type, time: secondToInstant(second), category, data };
    events.push({ day, second, event: driftEvent(event, day, life.site.driftMonth) });
  };

  emitProfile(emit, world, life);
  emitContact(emit, world, life);
  emitBuying(emit, world, life);
  emitCare(emit, life);
  return events
    .sort((a, b) => a.second - b.second || (a.event.id < b.event.id ? -1 : 1))
    .map(({ event }) => event);
}

function emitProfile(emit: Emit, { random }: World, { index, person, subscription }: Life): void {
  const { segment, age, income, channel, distanceKm } = person.profile;
  const known = random.stream(index, 'time-profile');
  emit('attribute.set', uniform(known) / 2, {
    age,
    ...(income === null ? {} : { income }),
    channel,
    distanceKm,
    ...(subscription && { contract: subscription.contract, tenureMonths: subscription.tenure }),
  });
  emit('customer.segment', uniform(known) / 2, { segment });
}

function emitContact(emit: Emit, { preset }: World, { sessions, campaign }: Life): void {
  const { offers } = preset.choice;
  const name = (offer: number | null): string => (offer === null ? 'none' : (offers[offer]?.name as string));
  for (const { day, minutes, shown, propensity, chosen } of sessions)
    emit('session.visited', day, { minutes, shown: name(shown), propensity, chosen: name(chosen) });
  if (campaign === null) return;
  const { day, arm, randomised, responded, responseDay } = campaign;
  emit('campaign.sent', day, { arm: preset.campaign.arms[arm] as string, randomised });
  emit('campaign.closed', responseDay, { responded });
}

function emitBuying(emit: Emit, { random }: World, life: Life): void {
  const { index, orders, baskets, subscription } = life;
  for (const { day, amount } of orders?.orders ?? []) emit('order.placed', day, { amount: amount / 100 });
  for (const [i, { week, product, units, price, featured }] of (baskets?.purchases ?? []).entries()) {
    const day = 7 * (week + uniform(random.stream(index, 'time-basket', i)));
    emit('basket.bought', day, { product, units, amount: price / 100, featured });
  }
  if (subscription === null) return;
  for (const [month, { fee, rise, competitor }] of subscription.months.entries()) {
    const day = MONTH_DAYS * month;
    emit('fee.charged', day, { amount: fee / 100 });
    if (rise > 0) emit('price.changed', day, { percent: rise });
    if (competitor) emit('competitor.campaign', day, { seen: true });
  }
  if (subscription.leftOn !== null) emit('customer.left', subscription.leftOn, { value: 1 });
}

function emitCare(emit: Emit, { care, surveys, appointments, adherence }: Life): void {
  for (const { day, minutes } of care.outages) emit('outage.reported', day, { minutes });
  for (const { day, channel, resolved } of care.tickets) emit('ticket.opened', day, { channel, resolved });
  for (const { day, score, answered } of surveys) if (answered) emit('survey.nps', day, { score });
  for (const { day, leadDays, reminder, attended } of appointments ?? [])
    emit('appointment.closed', day, { leadDays, reminder, attended });
  for (const { from, taking } of adherence?.stays ?? []) emit('medication.changed', from, { taking });
}

/** From half-time on a drifting site says the same in the second version of its schema. */
function driftEvent(event: CustomerEvent, day: number, driftMonth: number | null): CustomerEvent {
  if (driftMonth === null || day < MONTH_DAYS * driftMonth) return event;
  const data = Object.entries(event.data).map(([name, value]): [string, AttributeValue] => {
    if (name === 'amount') return ['amountCents', Math.round(100 * (value as number))];
    return [name, name === 'channel' ? changedWord(value as string) : value];
  });
  return { ...event, data: Object.fromEntries(data) };
}
