/**
 * Satisfaction and the survey that asks for it: an ordered logit. `score = round(7 + 2.2 (experience + mood) + 0.9 noise)`,
 * kept within 0..10, with standard logistic noise.
 */
import { logistic } from '../distributions.ts';
import { sigmoid } from '../elementary.ts';
import type { RandomStream } from '../prng.ts';
import type { TelecomMonth } from './history.ts';

const CENTRE = 7;
const SLOPE = 2.2;
const NOISE = 0.9;

/** How far back a customer remembers. */
export const MEMORY_MONTHS = 6;

/** The part of a customer's satisfaction that follows from what the operator did; around 0 for an ordinary half-year. */
export function experience(months: readonly TelecomMonth[]): number {
  let score = 0.4;
  for (const month of months.slice(-MEMORY_MONTHS)) {
    for (const contact of month.contacts) score += contact.resolved ? 0.1 : -0.5;
    score -= 0.25 * month.outages.length;
    if (month.priceRise > 0) score -= 0.3;
  }
  return score;
}

export function answerSurvey(stream: RandomStream, satisfaction: number): number {
  const answer = Math.round(CENTRE + SLOPE * satisfaction + NOISE * logistic(stream));
  return Math.min(10, Math.max(0, answer));
}

/** P(score | satisfaction) of `answerSurvey`. */
export function surveyLikelihood(score: number, satisfaction: number): number {
  const below = (edge: number): number => sigmoid((edge - CENTRE - SLOPE * satisfaction) / NOISE);
  return (score === 10 ? 1 : below(score + 0.5)) - (score === 0 ? 0 : below(score - 0.5));
}
