/** The telecom preset's events: every attribute that a simulated customer can have, with public bounds and vocabularies. */
import type { AttributeSchema, EventTypeSchema } from '../schema.ts';

export const CONTRACTS = ['month_to_month', 'one_year', 'two_year'] as const;
export const INTERNET_SERVICES = ['none', 'dsl', 'fiber'] as const;
export const PAYMENT_METHODS = ['electronic_check', 'mailed_check', 'bank_transfer', 'credit_card'] as const;
export const PRICE_PLANS = ['basic', 'plus', 'premium'] as const;
export const SUPPORT_CHANNELS = ['phone', 'chat', 'email', 'store'] as const;
export const DEVICE_CLASSES = ['entry', 'midrange', 'flagship'] as const;
export const COVERAGES = ['urban', 'suburban', 'rural'] as const;
export const INTERESTS = ['saving', 'speed', 'streaming', 'gaming', 'privacy'] as const;
export const HOUSEHOLD_SEGMENTS = ['single', 'couple', 'family', 'value_seeker'] as const;

const oneOf = (vocabulary: readonly string[]): AttributeSchema => ({ kind: 'category', vocabulary });
const between = (min: number, max: number, step = 1): AttributeSchema => ({ kind: 'number', min, max, step });
const yesNo: AttributeSchema = { kind: 'boolean' };

/**
 * Money in units of the currency, to the cent; `utilisation` is the data used in percent of the plan's allowance; NPS is the
 * answer to "would you recommend us", 0 to 10. `attribute.set` is in the list twice, once per consent category.
 */
export const telecomEventTypes: readonly EventTypeSchema[] = [
  {
    type: 'attribute.set',
    source: 'crm',
    category: 'transactional',
    attributes: {
      tenureMonths: between(1, 72),
      contract: oneOf(CONTRACTS),
      internetService: oneOf(INTERNET_SERVICES),
      paymentMethod: oneOf(PAYMENT_METHODS),
      pricePlan: oneOf(PRICE_PLANS),
      paperless: yesNo,
      onlineSecurity: yesNo,
      techSupport: yesNo,
      streaming: yesNo,
    },
  },
  {
    type: 'attribute.set',
    source: 'data-partner',
    category: 'third_party_enrichment',
    attributes: { senior: yesNo, partner: yesNo, dependents: yesNo },
  },
  {
    type: 'household.segment',
    source: 'data-partner',
    category: 'third_party_enrichment',
    attributes: { segment: oneOf(HOUSEHOLD_SEGMENTS) },
  },
  {
    type: 'invoice.issued',
    source: 'billing',
    category: 'transactional',
    attributes: { amount: between(10, 180, 0.01) },
  },
  {
    type: 'price.changed',
    source: 'billing',
    category: 'transactional',
    attributes: { percent: between(3, 15) },
  },
  {
    type: 'payment.received',
    source: 'billing',
    category: 'transactional',
    attributes: { amount: between(10, 180, 0.01) },
  },
  {
    type: 'payment.late',
    source: 'billing',
    category: 'transactional',
    attributes: { amount: between(10, 180, 0.01), daysLate: between(1, 13) },
  },
  { type: 'app.session', source: 'app', category: 'behavioral', attributes: { minutes: between(1, 120) } },
  {
    type: 'usage.data',
    source: 'network',
    category: 'behavioral',
    attributes: { gb: between(0, 2_000, 0.1), utilisation: between(0, 200) },
  },
  {
    type: 'support.contact',
    source: 'care',
    category: 'interaction',
    attributes: { channel: oneOf(SUPPORT_CHANNELS), resolved: yesNo },
  },
  {
    type: 'outage.reported',
    source: 'network',
    category: 'interaction',
    attributes: { minutes: between(5, 720) },
  },
  { type: 'survey.nps', source: 'survey', category: 'feedback', attributes: { score: between(0, 10) } },
  {
    type: 'device.class',
    source: 'network',
    category: 'contextual',
    attributes: { class: oneOf(DEVICE_CLASSES), coverage: oneOf(COVERAGES) },
  },
  {
    type: 'interest.stated',
    source: 'app',
    category: 'psychographic',
    attributes: { topic: oneOf(INTERESTS) },
  },
];

/** Comes after the reference instant: what a churn model is to foresee. 1 = left within the horizon. */
export const telecomLabelType: EventTypeSchema = {
  type: 'churn.observed',
  source: 'billing',
  category: 'transactional',
  attributes: { value: between(0, 1) },
};

/** The event type that carries the attribute. Both are names from the list above: another name is a mistake in this folder. */
export function telecomEventType(type: string, attribute: string): EventTypeSchema {
  const found = [...telecomEventTypes, telecomLabelType].find(
    (candidate) => candidate.type === type && attribute in candidate.attributes,
  );
  if (found === undefined) throw new TypeError(`no telecom event ${type} has ${attribute}`);
  return found;
}
