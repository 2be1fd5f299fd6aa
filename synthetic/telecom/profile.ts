/** What stands about a customer on the day of the reference instant. Base rates follow IBM's public Telco churn table. */
import { bernoulli, categorical, integer } from '../distributions.ts';
import type { RandomSource } from '../prng.ts';
import {
  CONTRACTS,
  COVERAGES,
  DEVICE_CLASSES,
  HOUSEHOLD_SEGMENTS,
  INTERESTS,
  INTERNET_SERVICES,
  PAYMENT_METHODS,
  PRICE_PLANS,
} from './schema.ts';

export interface TelecomProfile {
  tenureMonths: number;
  contract: (typeof CONTRACTS)[number];
  internetService: (typeof INTERNET_SERVICES)[number];
  paymentMethod: (typeof PAYMENT_METHODS)[number];
  pricePlan: (typeof PRICE_PLANS)[number];
  paperless: boolean;
  onlineSecurity: boolean;
  techSupport: boolean;
  streaming: boolean;
  senior: boolean;
  partner: boolean;
  dependents: boolean;
  segment: (typeof HOUSEHOLD_SEGMENTS)[number];
  deviceClass: (typeof DEVICE_CLASSES)[number];
  coverage: (typeof COVERAGES)[number];
  /** Stated in the app; null where the customer stated none. */
  interest: (typeof INTERESTS)[number] | null;
}

export function drawProfile(random: RandomSource, customer: number): TelecomProfile {
  const draw = (field: string) => random.stream(customer, field);
  // A quarter joined within the last year, the rest are spread evenly: many new customers, many old ones.
  const tenureMonths = integer(draw('tenure'), 1, bernoulli(draw('newcomer'), 0.25) ? 12 : 72);
  const loyalty = tenureMonths / 72;
  const internetService = categorical(draw('internet'), INTERNET_SERVICES, [0.22, 0.34, 0.44]);
  const online = internetService !== 'none';
  const partner = bernoulli(draw('partner'), 0.48);
  const dependents = bernoulli(draw('dependents'), partner ? 0.5 : 0.11);
  return {
    tenureMonths,
    contract: categorical(draw('contract'), CONTRACTS, [
      0.88 - 0.6 * loyalty,
      0.1 + 0.15 * loyalty,
      0.02 + 0.45 * loyalty,
    ]),
    internetService,
    paymentMethod: categorical(draw('payment'), PAYMENT_METHODS, [0.34, 0.23, 0.22, 0.21]),
    pricePlan: categorical(draw('plan'), PRICE_PLANS, [0.45, 0.35, 0.2]),
    paperless: bernoulli(draw('paperless'), 0.59),
    onlineSecurity: bernoulli(draw('security'), 0.36) && online,
    techSupport: bernoulli(draw('tech-support'), 0.37) && online,
    streaming: bernoulli(draw('streaming'), 0.49) && online,
    senior: bernoulli(draw('senior'), 0.16),
    partner,
    dependents,
    segment: categorical(draw('segment'), HOUSEHOLD_SEGMENTS, householdWeights(partner, dependents)),
    deviceClass: categorical(draw('device'), DEVICE_CLASSES, [0.35, 0.4, 0.25]),
    coverage: categorical(draw('coverage'), COVERAGES, [0.45, 0.35, 0.2]),
    interest: bernoulli(draw('interest-stated'), 0.65)
      ? categorical(draw('interest'), INTERESTS, [0.3, 0.2, 0.25, 0.15, 0.1])
      : null,
  };
}

/** In the order single, couple, family, value seeker: what a data partner would guess of the household. */
function householdWeights(partner: boolean, dependents: boolean): readonly number[] {
  if (dependents) return [0.03, 0.07, 0.65, 0.25];
  return partner ? [0.05, 0.6, 0.1, 0.25] : [0.65, 0.07, 0.03, 0.25];
}
