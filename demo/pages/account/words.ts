/** Signals in words: what the page says of categories, features and events. Only names that the task or the app really has. */
import type { Category } from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';

/** What a category is here, for the person who is asked. */
export const CATEGORY_WORDS: Readonly<Record<Category, { name: string; what: string }>> = {
  transactional: { name: 'Bills and contract', what: 'what you pay, when, and under which contract' },
  behavioral: { name: 'How you use it', what: 'how much data you use, how often you open this app' },
  interaction: { name: 'Help and faults', what: 'whether you asked for help, and whether it helped' },
  contextual: { name: 'Device and area', what: 'the class of your phone, town or country' },
  third_party_enrichment: {
    name: 'From a data partner',
    what: 'what another firm guesses of your household',
  },
  feedback: { name: 'Your ratings', what: 'your answers to our survey' },
  psychographic: { name: 'Your interests', what: 'what you told us that matters to you' },
};

const FEATURES: Readonly<Record<string, string>> = {
  'attribute.set.tenureMonths': 'Months as a customer',
  'attribute.set.contract': 'Contract',
  'attribute.set.internetService': 'Line',
  'attribute.set.paymentMethod': 'Payment',
  'attribute.set.pricePlan': 'Plan',
  'attribute.set.paperless': 'Paperless bills',
  'attribute.set.onlineSecurity': 'Online security',
  'attribute.set.techSupport': 'Technical support',
  'attribute.set.streaming': 'Streaming',
  'invoice.issued.amount': 'Last bill',
  'price.changed.percent.sum': 'Price rises in half a year',
  'payment.late.daysLate.count': 'Late payments',
  'usage.data.utilisation.mean': 'Data used on average',
  'usage.data.utilisation': 'Data used last month',
  'app.session.minutes.count': 'Visits to this app',
  'support.contact.resolved.count': 'Requests for help',
  'support.contact.resolved.ratio': 'Share of them not solved',
  'outage.reported.minutes.count': 'Outages',
  'survey.nps.score': 'Last rating, 0 to 10',
  'device.class.class': 'Phone',
  'device.class.coverage': 'Area',
  'attribute.set.senior': 'Over 65, as a partner guesses',
  'attribute.set.partner': 'Lives as a couple, as a partner guesses',
  'attribute.set.dependents': 'Has children, as a partner guesses',
  'household.segment.segment': 'Household, as a partner guesses',
  'interest.stated.topic': 'Interest',
};

const UNITS: Readonly<Record<string, (value: number) => string>> = {
  'invoice.issued.amount': (value) => money(value),
  'price.changed.percent.sum': (value) => `${Math.round(value)} %`,
  'usage.data.utilisation.mean': (value) => `${Math.round(value)} %`,
  'usage.data.utilisation': (value) => `${Math.round(value)} %`,
  'support.contact.resolved.ratio': (value) => `${Math.round(100 * value)} %`,
};

/** The name itself for a feature that this page does not know: another task may ask for others. */
export function featureName(feature: string): string {
  return FEATURES[feature] ?? feature;
}

export function featureValue(feature: string, value: AttributeValue | null): string {
  if (value === null) return 'not known';
  if (typeof value === 'number') return UNITS[feature]?.(value) ?? String(Math.round(100 * value) / 100);
  return valueWords(value);
}

export function valueWords(value: AttributeValue): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value).replaceAll('_', ' ');
}

export function money(amount: number): string {
  return `€${amount.toFixed(2)}`;
}

/** A probability in whole percent. */
export function percent(probability: number): string {
  return `${Math.round(100 * probability)}\u00a0%`;
}

/** A change of a probability, with its sign, in percentage points. */
export function points(change: number): string {
  const rounded = (100 * Math.abs(change)).toFixed(1);
  return `${change < 0 ? '−' : '+'}${rounded}`;
}

/** What happened, in a few words. */
export function eventWords({ type, data }: Pick<CustomerEvent, 'type' | 'data'>): string {
  const first = Object.entries(data)[0];
  switch (type) {
    case 'payment.received':
      return `Bill of ${money(Number(data['amount']))} paid`;
    case 'payment.late':
      return `Bill paid ${data['daysLate']} days late`;
    case 'invoice.issued':
      return `Bill of ${money(Number(data['amount']))}`;
    case 'price.changed':
      return `Price raised by ${data['percent']} %`;
    case 'usage.data':
      return `${data['utilisation']} % of the data used`;
    case 'app.session':
      return 'This app opened';
    case 'support.contact':
      return `Help by ${data['channel']}: ${data['resolved'] === true ? 'solved' : 'not solved'}`;
    case 'outage.reported':
      return `Outage of ${data['minutes']} minutes`;
    case 'survey.nps':
      return `Rated ${data['score']} of 10`;
    case 'interest.stated':
      return `Interest: ${data['topic']}`;
    case 'churn.observed':
      return data['value'] === 1 ? 'Left' : 'Still a customer today';
    case 'attribute.set':
      return first === undefined || Object.keys(data).length > 1
        ? 'Facts of the contract'
        : `${featureName(`attribute.set.${first[0]}`)}: ${valueWords(first[1])}`;
    default:
      return type;
  }
}
