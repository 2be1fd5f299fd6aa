/**
 * The known churn mechanism: a logistic hazard of leaving within the horizon. All but the mood is in the events, so the best
 * possible probability given the events, and with it the best possible AUC, can be computed.
 *
 *   hazard = sigmoid(observedLogit(profile, months) - MOOD_WEIGHT * (experience(months) + mood)),   mood ~ N(0, 1)
 *
 * It is not linear in the features on purpose: use far below *and* far above the allowance drives customers away, a second
 * unresolved contact ends patience, a price rise hurts only who can leave, and the first months count most.
 */
import { exp, sigmoid } from '../elementary.ts';
import type { TelecomHistory, TelecomMonth } from './history.ts';
import type { TelecomProfile } from './profile.ts';
import { experience, MEMORY_MONTHS, surveyLikelihood } from './survey.ts';

/** Sets the base rate to about 26 %. */
const INTERCEPT = -3.4;
const MOOD_WEIGHT = 0.6;
const CONTRACT_LOGIT = { month_to_month: 0, one_year: -1.1, two_year: -2.2 } as const;
/** How far a contract lets a price rise be answered by leaving. */
const CONTRACT_FREEDOM = { month_to_month: 1, one_year: 0.4, two_year: 0 } as const;

/** The probability of leaving, with the mood known. */
export function churnHazard(profile: TelecomProfile, history: TelecomHistory): number {
  const { months, mood } = history;
  return sigmoid(observedLogit(profile, months) - MOOD_WEIGHT * (experience(months) + mood));
}

/**
 * P(churn | every event before the reference instant): the mood integrated out under its posterior given the survey answers,
 * by the trapezoid rule on [-6, 6] in steps of 1/8 (error far below 1e-9 for a smooth integrand with Gaussian tails).
 */
export function churnBayesProbability(profile: TelecomProfile, months: readonly TelecomMonth[]): number {
  const logit = observedLogit(profile, months) - MOOD_WEIGHT * experience(months);
  const answers = months.flatMap(({ npsScore }, i) =>
    npsScore === null ? [] : [{ npsScore, expected: experience(months.slice(0, i + 1)) }],
  );
  let evidence = 0;
  let churn = 0;
  for (let step = -48; step <= 48; step++) {
    const mood = step / 8;
    let weight = exp(-0.5 * mood * mood);
    for (const { npsScore, expected } of answers) weight *= surveyLikelihood(npsScore, expected + mood);
    evidence += weight;
    churn += weight * sigmoid(logit - MOOD_WEIGHT * mood);
  }
  return churn / evidence;
}

function observedLogit(profile: TelecomProfile, months: readonly TelecomMonth[]): number {
  const recent = months.slice(-MEMORY_MONTHS);
  return (
    INTERCEPT +
    CONTRACT_LOGIT[profile.contract] +
    1.6 * exp(-profile.tenureMonths / 8) +
    0.35 * Number(profile.paymentMethod === 'electronic_check') +
    priceLogit(profile, recent) +
    usageLogit(recent) +
    serviceLogit(profile, recent)
  );
}

/** Level in euros and rises in percent; both weigh more for those who look at prices. */
function priceLogit(profile: TelecomProfile, months: readonly TelecomMonth[]): number {
  const level = (months.at(-1) as TelecomMonth).amount / 100;
  const rise = months.reduce((sum, month) => sum + month.priceRise, 0);
  const attention =
    (profile.segment === 'value_seeker' ? 1.6 : 1) * (profile.interest === 'saving' ? 1.3 : 1);
  return attention * (0.012 * (level - 65) + 0.08 * CONTRACT_FREEDOM[profile.contract] * rise);
}

/** Both ends of the mean utilisation, and its fall from the mean to the last month. */
function usageLogit(months: readonly TelecomMonth[]): number {
  const mean = months.reduce((sum, month) => sum + month.utilisation, 0) / months.length;
  const misfit = (mean - 65) / 30;
  const fall = Math.max(0, mean - (months.at(-1) as TelecomMonth).utilisation);
  return Math.min(3.2, 0.8 * misfit * misfit) + 0.02 * fall;
}

/** Payments, support and the network. */
function serviceLogit(profile: TelecomProfile, months: readonly TelecomMonth[]): number {
  const late = months.filter((month) => month.daysLate > 0).length;
  const contacts = months.flatMap((month) => month.contacts);
  const unresolved = contacts.filter((contact) => !contact.resolved).length;
  const outages = months.reduce((sum, month) => sum + month.outages.length, 0);
  return (
    0.55 * Math.min(late, 3) +
    0.1 * Math.min(contacts.length, 5) +
    (unresolved >= 2 ? 1.1 : 0) +
    (profile.internetService === 'fiber' ? 0.35 : 0.1) * Math.min(outages, 3) -
    0.5 * Number(profile.techSupport)
  );
}
