/** What the events of each industry may contain: public bounds and vocabularies. */
import type { AttributeSchema, EventTypeSchema } from '../schema.ts';
import { TICKET_CHANNELS } from './behaviour/care.ts';
import type { Industry } from './options.ts';
import { CHANNELS } from './person.ts';
import { PRESETS } from './presets.ts';

/** Of sites whose schema changed, from then on: amounts in cents under another name, and another word for a telephone. */
export type SchemaVersion = 1 | 2;

const yesNo: AttributeSchema = { kind: 'boolean' };
const oneOf = (vocabulary: readonly string[]): AttributeSchema => ({ kind: 'category', vocabulary });
const between = (min: number, max: number, step = 1): AttributeSchema => ({ kind: 'number', min, max, step });

/** In the order of their names. An attribute that is not known of a customer is left out of an event. */
export function simulationEventTypes(
  industry: Industry,
  version: SchemaVersion = 1,
): readonly EventTypeSchema[] {
  const { segments, subscription, orders, market, appointments, adherence, choice, campaign } =
    PRESETS[industry];
  const offers = choice.offers.map(({ name }) => name);
  const money = (max: number): Record<string, AttributeSchema> =>
    version === 1 ? { amount: between(0, max, 0.01) } : { amountCents: between(0, 100 * max) };
  const telephone = (words: readonly string[]): AttributeSchema =>
    oneOf(version === 1 ? words : words.map((word) => changedWord(word)));

  const types: EventTypeSchema[] = [
    type('attribute.set', 'crm', 'transactional', {
      age: between(18, 90),
      income: between(0, 200),
      channel: telephone(CHANNELS),
      distanceKm: between(0.1, 200, 0.1),
      ...(subscription && {
        contract: oneOf(subscription.contracts.map(({ name }) => name)),
        tenureMonths: between(0, 72),
      }),
    }),
    type('customer.segment', 'data-partner', 'third_party_enrichment', {
      segment: oneOf(segments.map(({ name }) => name)),
    }),
    type('session.visited', 'app', 'behavioral', {
      minutes: between(1, 120),
      shown: oneOf(offers),
      propensity: between(0, 1, 1e-6),
      chosen: oneOf([...offers, 'none']),
    }),
    type('ticket.opened', 'care', 'interaction', { channel: telephone(TICKET_CHANNELS), resolved: yesNo }),
    type('survey.nps', 'survey', 'feedback', { score: between(0, 10) }),
    type('campaign.sent', 'marketing', 'interaction', { arm: oneOf(campaign.arms), randomised: yesNo }),
    type('campaign.closed', 'marketing', 'interaction', { responded: yesNo }),
  ];
  if (PRESETS[industry].care.outageRate > 0)
    types.push(type('outage.reported', 'network', 'interaction', { minutes: between(5, 720) }));
  if (subscription)
    types.push(
      type('fee.charged', 'billing', 'transactional', money(50_000)),
      type('price.changed', 'billing', 'transactional', { percent: between(3, 15) }),
      type('competitor.campaign', 'market', 'contextual', { seen: yesNo }),
      type('customer.left', 'billing', 'transactional', { value: between(1, 1) }),
    );
  if (orders) types.push(type('order.placed', 'shop', 'transactional', money(10_000)));
  if (market)
    types.push(
      type('basket.bought', 'till', 'transactional', {
        product: oneOf(market.products.map(({ name }) => name)),
        units: between(1, 99),
        ...money(100),
        featured: yesNo,
      }),
    );
  if (appointments)
    types.push(
      type('appointment.closed', 'clinic', 'interaction', {
        leadDays: between(0, 180),
        reminder: yesNo,
        attended: yesNo,
      }),
    );
  if (adherence) types.push(type('medication.changed', 'pharmacy', 'behavioral', { taking: yesNo }));
  return types.toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

export function changedWord(word: string): string {
  return word === 'phone' ? 'call' : word;
}

function type(
  name: string,
  source: string,
  category: EventTypeSchema['category'],
  attributes: Record<string, AttributeSchema>,
): EventTypeSchema {
  return { type: name, source, category, attributes };
}
