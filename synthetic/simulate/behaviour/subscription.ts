/**
 * A contract, or a relation kept month by month, and the discrete hazard of its end:
 *
 *   logit h = intercept + contract + site - satisfaction weight * satisfaction + tickets * (of this and the last month, at most 4)
 *             + rise * (percent this month / 10) + competitor (if one campaigns at the site) - tenure * ln(1 + months)
 *
 * A fixed term can end only with little chance before its last month, and then with more: the cliffs of contracts. Of all this
 * only the trait behind satisfaction is in no event, and it weighs little, so that events allow nearly the best prediction.
 */
import { bernoulli, categorical, integer, uniform } from '../../distributions.ts';
import { log, sigmoid } from '../../elementary.ts';
import type { RandomSource } from '../../prng.ts';
import type { Person } from '../person.ts';
import type { Care } from './care.ts';
import { MONTH_DAYS, type Draw } from './draw.ts';

export interface SubscriptionParameters {
  /** Logit of leaving in a month, before anything else. */
  intercept: number;
  contracts: readonly { name: string; weight: number; termMonths: number; logit: number }[];
  satisfaction: number;
  tickets: number;
  rise: number;
  competitor: number;
  tenure: number;
  /** Added in the last month of a fixed term. */
  cliff: number;
  /** Chance of a price rise in a month. */
  riseRate: number;
  /** Chance that a competitor campaigns at a site in a month. */
  campaignRate: number;
  /** Euros a month. */
  fee: { min: number; max: number };
}

export interface Subscription {
  contract: string;
  /** Months as a customer when the simulation begins; 0 = joins with its first day. */
  tenure: number;
  /** One per month lived. */
  months: readonly SubscriptionMonth[];
  /** Day on which they left; null = still there at the end. */
  leftOn: number | null;
}

export interface SubscriptionMonth {
  /** Cents. */
  fee: number;
  /** Percent; 0 = none. */
  rise: number;
  competitor: boolean;
  satisfaction: number;
  /** Chance of leaving at the end of this month. */
  hazard: number;
}

export function drawSubscription(
  draw: Draw,
  random: RandomSource,
  parameters: SubscriptionParameters,
  person: Person,
  labelShift: number,
  care: Care,
  months: number,
): Subscription {
  const { contracts, fee: bounds } = parameters;
  const terms = draw('contract');
  const contract = categorical(
    terms,
    contracts,
    contracts.map(({ weight }) => weight),
  );
  const tenure = bernoulli(terms, 0.25) ? 0 : integer(terms, 1, 72);
  let fee = 100 * (bounds.min + (bounds.max - bounds.min) * uniform(terms));
  const lived: SubscriptionMonth[] = [];
  let leftOn: number | null = null;
  for (let month = 0; month < months && leftOn === null; month++) {
    const stream = draw('subscription', month);
    const rise = bernoulli(stream, parameters.riseRate) ? integer(stream, 3, 15) : 0;
    fee *= 1 + rise / 100;
    const competitor = competitorCampaigns(random, person.site, month, parameters.campaignRate);
    const satisfaction = satisfactionAt(person, care, lived, rise, month);
    const hazard = sigmoid(
      parameters.intercept +
        contract.logit +
        cliffLogit(contract.termMonths, tenure + month, parameters.cliff) +
        labelShift -
        parameters.satisfaction * satisfaction +
        parameters.tickets * Math.min(4, ticketsWithin(care, month - 1, month)) +
        (parameters.rise * rise) / 10 +
        parameters.competitor * Number(competitor) -
        parameters.tenure * log(1 + tenure + month),
    );
    lived.push({ fee: Math.round(fee), rise, competitor, satisfaction, hazard });
    if (bernoulli(stream, hazard)) leftOn = MONTH_DAYS * (month + 1) - uniform(stream);
  }
  return { contract: contract.name, tenure, months: lived, leftOn };
}

/** Around 0 for an ordinary quarter: the trait, then troubles and rises of this month and the two before. */
export function satisfactionAt(
  { traits }: Person,
  care: Care,
  before: readonly { rise: number }[],
  rise: number,
  month: number,
): number {
  const from = MONTH_DAYS * (month - 2);
  const to = MONTH_DAYS * (month + 1);
  const recent = ({ day }: { day: number }): boolean => day >= from && day < to;
  const unresolved = care.tickets.filter((ticket) => recent(ticket) && !ticket.resolved).length;
  const rises = Number(rise > 0) + before.slice(-2).filter((earlier) => earlier.rise > 0).length;
  return (
    0.4 +
    0.15 * traits.satisfaction -
    0.5 * unresolved -
    0.25 * care.outages.filter(recent).length -
    0.3 * rises
  );
}

function ticketsWithin({ tickets }: Care, first: number, last: number): number {
  return tickets.filter(({ day }) => day >= MONTH_DAYS * first && day < MONTH_DAYS * (last + 1)).length;
}

function cliffLogit(termMonths: number, served: number, cliff: number): number {
  return termMonths > 1 && (served + 1) % termMonths === 0 ? cliff : 0;
}

/** The same for all customers of a site. */
export function competitorCampaigns(
  random: RandomSource,
  site: number,
  month: number,
  rate: number,
): boolean {
  return bernoulli(random.stream(site, 'competitor', month), rate);
}
