/**
 * Sessions in which one offer is shown and something, or nothing, is chosen: a contextual bandit with a logged policy. The
 * policy knows the segment alone; the choice is a multinomial logit (McFadden 1974) over the offers and the outside option,
 * with utility = base + affinity . offer - price weight * price + lift if shown.
 */
import { categorical, normal, poisson, uniform } from '../../distributions.ts';
import { exp } from '../../elementary.ts';
import type { RandomSource } from '../../prng.ts';
import { AFFINITIES, type Person } from '../person.ts';
import { MONTH_DAYS, type Draw } from './draw.ts';

export interface ChoiceParameters {
  /** Names and euros of what can be offered. */
  offers: readonly { name: string; price: number }[];
  /** Utility of every offer before taste and price. */
  base: number;
  taste: number;
  priceWeight: number;
  /** Utility of being shown. */
  lift: number;
  /** Sessions a month of an average customer. */
  sessionRate: number;
  /** Share of the shown offers that the policy draws evenly. */
  exploration: number;
}

export interface Session {
  day: number;
  minutes: number;
  /** Offer's number. */
  shown: number;
  /** Of showing it, to six digits. */
  propensity: number;
  /** Offer's number; null = none. */
  chosen: number | null;
}

/** What the same for all customers: the offers' vectors and the logging policy. */
export interface ChoiceWorld {
  vectors: readonly (readonly number[])[];
  /** By segment, then by offer; each row adds up to 1. */
  policy: readonly (readonly number[])[];
}

export function drawChoiceWorld(
  random: RandomSource,
  parameters: ChoiceParameters,
  segments: number,
): ChoiceWorld {
  const { offers, exploration } = parameters;
  const vectors = offers.map((_, offer) => {
    const stream = random.stream(offer, 'offer-vector');
    return Array.from({ length: AFFINITIES }, () => normal(stream) / Math.sqrt(AFFINITIES));
  });
  const policy = Array.from({ length: segments }, (_, segment) => {
    const stream = random.stream(segment, 'policy');
    const scores = offers.map(() => exp(0.7 * normal(stream)));
    const total = scores.reduce((sum, score) => sum + score, 0);
    const shares = scores.map((score) => exploration / offers.length + ((1 - exploration) * score) / total);
    return roundShares(shares);
  });
  return { vectors, policy };
}

/** To six digits, the last share taking the rest, so that what is logged is exactly what was drawn from. */
function roundShares(shares: readonly number[]): number[] {
  const millionths = shares.map((share) => Math.round(share * 1e6));
  const rest = 1e6 - millionths.slice(0, -1).reduce((sum, share) => sum + share, 0);
  return [...millionths.slice(0, -1), rest].map((share) => share / 1e6);
}

/** Choice probabilities of the offers when `shown` is shown; the outside option has the rest. */
export function choiceProbabilities(
  parameters: ChoiceParameters,
  world: ChoiceWorld,
  person: Person,
  shown: number,
): number[] {
  const weights = parameters.offers.map(({ price }, offer) => {
    const fit = (world.vectors[offer] as readonly number[]).reduce(
      (sum, x, k) => sum + x * (person.traits.affinity[k] as number),
      0,
    );
    const lift = offer === shown ? parameters.lift : 0;
    return exp(parameters.base + parameters.taste * fit - parameters.priceWeight * price + lift);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 1);
  return weights.map((weight) => weight / total);
}

/** `engagement` of this month multiplies the rate by its exponential. */
export function drawSessions(
  draw: Draw,
  parameters: ChoiceParameters,
  world: ChoiceWorld,
  person: Person,
  month: number,
  engagement: number,
): Session[] {
  const stream = draw('sessions', month);
  const count = poisson(stream, Math.min(60, parameters.sessionRate * exp(engagement)));
  const policy = world.policy[person.segment] as readonly number[];
  const numbers = [...parameters.offers.keys()];
  return Array.from({ length: count }, () => {
    const day = MONTH_DAYS * (month + uniform(stream));
    const minutes = Math.max(1, Math.min(120, Math.round(exp(1.8 + 0.7 * normal(stream)))));
    const shown = categorical(stream, numbers, policy);
    const chances = choiceProbabilities(parameters, world, person, shown);
    const chosen = categorical(
      stream,
      [...numbers, null],
      [...chances, 1 - chances.reduce((a, b) => a + b, 0)],
    );
    return { day, minutes, shown, propensity: policy[shown] as number, chosen };
  });
}
