/**
 * What happened to a customer in the months before the reference instant. Every number is rounded to the step in which it is
 * emitted before anything else uses it, so that the events carry all that the churn mechanism sees but the mood.
 */
import { bernoulli, categorical, integer, normal, poisson } from '../distributions.ts';
import { exp } from '../elementary.ts';
import type { RandomSource, RandomStream } from '../prng.ts';
import type { TelecomProfile } from './profile.ts';
import { SUPPORT_CHANNELS } from './schema.ts';
import { answerSurvey, experience } from './survey.ts';

export interface TelecomMonth {
  /** Months since the window began. */
  month: number;
  /** Of the invoice, in cents. */
  amount: number;
  /** Percentage of a price rise that begins with this invoice; 0 for none. */
  priceRise: number;
  /** 0 = paid in time. */
  daysLate: number;
  /** Data used, in tenths of a gigabyte. */
  usage: number;
  /** Data used, in percent of the allowance, at most 200. */
  utilisation: number;
  sessions: readonly { minutes: number }[];
  contacts: readonly { channel: (typeof SUPPORT_CHANNELS)[number]; resolved: boolean }[];
  outages: readonly { minutes: number }[];
  /** Answer to this month's survey, 0 to 10; null where none was asked or answered. */
  npsScore: number | null;
}

export interface TelecomHistory {
  /** Oldest first; as many as the customer has been one, at most the window. At least one. */
  months: readonly TelecomMonth[];
  /** Satisfaction beyond what the months explain, standard normal. No event shows it; surveys are a noisy sight of it. */
  mood: number;
}

/** What makes one customer's months alike. */
interface Traits {
  /** Factor on data use. */
  appetite: number;
  /** Change of log data use per month; `appetite` holds five months before the last. */
  drift: number;
  /** Chance that a payment is late. */
  lateness: number;
  /** Factor on support contacts. */
  trouble: number;
  /** Euros a month before any rise. */
  basePrice: number;
}

/** Euros a month. */
const LINE_PRICE = { none: 20, dsl: 42, fiber: 63 } as const;
const PLAN_PRICE = { basic: 0, plus: 9, premium: 21 } as const;
const ADD_ON_PRICE = 6;
/** Gigabytes a month included in the basic plan; the others include more. */
const LINE_ALLOWANCE = { none: 10, dsl: 80, fiber: 200 } as const;
const PLAN_ALLOWANCE = { basic: 1, plus: 2, premium: 4 } as const;

const PRICE_RISE_RATE = 0.06;
/** Keeps a row of unlikely rises within the schema's bound. */
const MAX_AMOUNT = 18_000;
/** Surveys are asked in the last month and every third before it; half are answered, whatever the mood. */
const SURVEY_EVERY = 3;
const SURVEY_RESPONSE = 0.5;

export function drawHistory(
  random: RandomSource,
  customer: number,
  profile: TelecomProfile,
  windowMonths: number,
): TelecomHistory {
  const traits = drawTraits(random, customer, profile);
  const mood = normal(random.stream(customer, 'mood'));
  const months: TelecomMonth[] = [];
  let price = traits.basePrice;
  for (let month = Math.max(0, windowMonths - profile.tenureMonths); month < windowMonths; month++) {
    const draw = (field: string): RandomStream => random.stream(customer, field, month);
    const monthsLeft = windowMonths - 1 - month;
    const priceRise = bernoulli(draw('price-rises'), PRICE_RISE_RATE)
      ? integer(draw('price-rise'), 3, 15)
      : 0;
    price *= 1 + priceRise / 100;
    const drawn: TelecomMonth = {
      month,
      priceRise,
      ...drawUsage(draw, profile, traits, monthsLeft),
      ...drawTroubles(draw, profile, traits),
      amount: Math.min(MAX_AMOUNT, Math.round(price * 100)),
      daysLate: bernoulli(draw('late'), traits.lateness) ? integer(draw('days-late'), 1, 13) : 0,
      npsScore: null,
    };
    months.push(drawn);
    if (monthsLeft % SURVEY_EVERY === 0 && bernoulli(draw('survey-response'), SURVEY_RESPONSE))
      drawn.npsScore = answerSurvey(draw('survey'), experience(months) + mood);
  }
  return { months, mood };
}

function drawTraits(random: RandomSource, customer: number, profile: TelecomProfile): Traits {
  const draw = (field: string): RandomStream => random.stream(customer, field);
  const addOns = Number(profile.onlineSecurity) + Number(profile.techSupport) + Number(profile.streaming);
  const list = LINE_PRICE[profile.internetService] + PLAN_PRICE[profile.pricePlan] + ADD_ON_PRICE * addOns;
  const discount = 2.5 * Math.max(-3, Math.min(3, normal(draw('discount'))));
  return {
    appetite: exp(0.55 * normal(draw('appetite'))),
    // A fifth of the customers fade away month by month; the use of the others wanders.
    drift: bernoulli(draw('fading'), 0.2) ? -0.17 : 0.03 * normal(draw('drift')),
    lateness: Math.min(0.6, 0.07 * exp(1.1 * normal(draw('carelessness')))),
    trouble: exp(0.7 * normal(draw('trouble'))),
    basePrice: list - discount,
  };
}

function drawUsage(
  draw: (field: string) => RandomStream,
  profile: TelecomProfile,
  traits: Traits,
  monthsLeft: number,
): Pick<TelecomMonth, 'usage' | 'utilisation' | 'sessions'> {
  const allowance = LINE_ALLOWANCE[profile.internetService] * PLAN_ALLOWANCE[profile.pricePlan];
  const share = 0.65 * traits.appetite * exp(traits.drift * (5 - monthsLeft) + 0.1 * normal(draw('usage')));
  const utilisation = Math.min(200, Math.round(100 * share));
  return {
    usage: Math.round(Math.min(2, share) * allowance * 10),
    utilisation,
    sessions: repeat(
      poisson(draw('sessions'), 1.5 * Math.sqrt(traits.appetite)),
      draw('session'),
      (stream) => ({
        minutes: Math.max(1, Math.min(120, Math.round(exp(2.2 + 0.7 * normal(stream))))),
      }),
    ),
  };
}

function drawTroubles(
  draw: (field: string) => RandomStream,
  profile: TelecomProfile,
  traits: Traits,
): Pick<TelecomMonth, 'contacts' | 'outages'> {
  const contactRate = 0.25 * traits.trouble * (profile.techSupport ? 0.7 : 1);
  const outageRate = { none: 0.03, dsl: 0.2, fiber: 0.12 }[profile.internetService];
  return {
    contacts: repeat(poisson(draw('contacts'), contactRate), draw('contact'), (stream) => ({
      channel: categorical(stream, SUPPORT_CHANNELS, [0.45, 0.3, 0.15, 0.1]),
      resolved: bernoulli(stream, 0.65),
    })),
    outages: repeat(
      poisson(draw('outages'), outageRate * (profile.coverage === 'rural' ? 1.7 : 1)),
      draw('outage'),
      (stream) => ({ minutes: integer(stream, 5, 720) }),
    ),
  };
}

function repeat<T>(count: number, stream: RandomStream, item: (stream: RandomStream) => T): T[] {
  return Array.from({ length: count }, () => item(stream));
}
