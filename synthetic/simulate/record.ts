/** A life as one row of a table, for those who model customers rather than events. Null = not known. */
import { secondToInstant } from '../instant.ts';
import { MONTH_DAYS } from './behaviour/draw.ts';
import type { Life, World } from './life.ts';

export type RecordValue = string | number | boolean | null;

/** The same columns, in the same order, for every customer of an industry. */
export function lifeRecord(world: World, life: Life): Record<string, RecordValue> {
  const { person, site, care, sessions, surveys, campaign, end } = life;
  const before = <T extends { day: number }>(items: readonly T[]): T[] =>
    items.filter(({ day }) => day <= end);
  const tickets = before(care.tickets);
  return {
    id: customerId(world, life.index),
    site: `site-${site.index}`,
    ...person.profile,
    since: secondToInstant(world.options.start + 86_400 * Math.floor(firstDay(life))).slice(0, 10),
    ...subscriptionColumns(life),
    ...buyingColumns(life),
    ...healthColumns(world, life),
    sessions: sessions.length,
    accepted: sessions.filter(({ shown, chosen }) => shown === chosen).length,
    tickets: tickets.length,
    unresolved: tickets.filter(({ resolved }) => !resolved).length,
    lastNps: surveys.findLast(({ answered }) => answered)?.score ?? null,
    campaignArm: campaign === null ? null : (world.preset.campaign.arms[campaign.arm] as string),
    responded: campaign === null || campaign.responseDay > end ? null : campaign.responded,
    ...(life.subscription && { left: life.subscription.leftOn !== null }),
  };
}

/** Unique in the simulation; says nothing about the person. */
export function customerId(world: World, index: number): string {
  return `${world.options.industry}-${index}`;
}

function firstDay({ subscription, orders }: Life): number {
  if (subscription) return -MONTH_DAYS * subscription.tenure;
  return orders?.orders[0]?.day ?? 0;
}

function subscriptionColumns({ subscription }: Life): Record<string, RecordValue> {
  if (subscription === null) return {};
  const { contract, tenure, months } = subscription;
  return {
    contract,
    tenureMonths: tenure + months.length,
    fee: (months.at(-1) as (typeof months)[number]).fee / 100,
    priceRises: months.filter(({ rise }) => rise > 0).length,
  };
}

function buyingColumns({ orders, baskets }: Life): Record<string, RecordValue> {
  const cents = (amounts: number[]): number => amounts.reduce((sum, amount) => sum + amount, 0) / 100;
  return {
    ...(orders && {
      orders: orders.orders.length,
      spend: cents(orders.orders.map(({ amount }) => amount)),
      lastOrderDay: Math.floor(orders.orders.at(-1)?.day ?? 0),
    }),
    ...(baskets && {
      units: baskets.purchases.reduce((sum, { units }) => sum + units, 0),
      basketSpend: cents(baskets.purchases.map(({ units, price }) => units * price)),
      featuredPurchases: baskets.purchases.filter(({ featured }) => featured).length,
    }),
  };
}

function healthColumns(
  { preset }: World,
  { appointments, adherence, end }: Life,
): Record<string, RecordValue> {
  const stays = adherence?.stays.filter(({ taking }) => taking) ?? [];
  const covered = stays.reduce((sum, { from, to }) => sum + to - from, 0) / end;
  return {
    ...(appointments && {
      appointments: appointments.length,
      noShows: appointments.filter(({ attended }) => !attended).length,
    }),
    ...(preset.adherence && { daysCovered: adherence === null ? null : Math.round(1_000 * covered) / 1_000 }),
  };
}
