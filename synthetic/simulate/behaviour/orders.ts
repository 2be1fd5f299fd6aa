/**
 * Orders without a contract: BG/NBD (Fader, Hardie, Lee, "Counting your customers the easy way", 2005) with Gamma-Gamma spend
 * (Fader, Hardie, "The gamma-gamma model of monetary value", 2013). After the first order a customer orders at a rate of their
 * own and drops out after any repeat order with a chance of their own; no event tells that they did.
 */
import { bernoulli, beta, exponential, gamma, uniform } from '../../distributions.ts';
import { exp } from '../../elementary.ts';
import type { Draw } from './draw.ts';

export interface OrderParameters {
  /** Rate per week ~ Gamma(r, rate alpha). */
  r: number;
  alpha: number;
  /** Chance of dropping out after a repeat order ~ Beta(a, b). */
  a: number;
  b: number;
  /** Euros of an order ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma). */
  spend: { p: number; q: number; gamma: number };
  /** First orders are spread over so many weeks from the start. */
  acquisitionWeeks: number;
}

export interface Order {
  /** Days from the start, with a fraction. */
  day: number;
  /** Cents, at least 1. */
  amount: number;
}

export interface OrderTruth {
  /** Repeat orders per week while alive. */
  rate: number;
  dropout: number;
  /** Mean euros of an order. */
  meanSpend: number;
  /** Day of the last repeat order, after which they were gone; null = still a customer at the end. */
  goneSince: number | null;
  /** E[orders in the 39 weeks after the end | all of this]. */
  expectedOrders: number;
  /** Euros of those orders. */
  expectedValue: number;
}

/** Weeks after the end that the answer key looks ahead. */
const AHEAD = 39;
const MAX_AMOUNT = 1_000_000;

export function drawOrders(
  draw: Draw,
  parameters: OrderParameters,
  days: number,
): { orders: Order[]; truth: OrderTruth } {
  const { spend } = parameters;
  const rate = gamma(draw('order-rate'), parameters.r) / parameters.alpha;
  const dropout = beta(draw('order-dropout'), parameters.a, parameters.b);
  const spendRate = gamma(draw('order-spend'), spend.q) / spend.gamma;
  const first = uniform(draw('order-first')) * Math.min(days, 7 * parameters.acquisitionWeeks);
  const orders: Order[] = [];
  let day = first;
  let goneSince: number | null = null;
  while (day < days && goneSince === null) {
    const stream = draw('order', orders.length);
    const gap = (7 * exponential(stream)) / rate;
    const leaves = bernoulli(stream, dropout) && orders.length > 0;
    const amount = Math.round((100 * gamma(stream, spend.p)) / spendRate);
    orders.push({ day, amount: Math.min(MAX_AMOUNT, Math.max(1, amount)) });
    if (leaves) goneSince = day;
    day += gap;
  }
  const expectedOrders = goneSince === null ? ordersAhead(rate, dropout) : 0;
  const meanSpend = spend.p / spendRate;
  return {
    orders,
    truth: { rate, dropout, meanSpend, goneSince, expectedOrders, expectedValue: expectedOrders * meanSpend },
  };
}

/** The mean of a Poisson process that each of its points ends with probability p: (1 - e^(-p rate t)) / p. */
function ordersAhead(rate: number, dropout: number): number {
  const thinned = dropout * rate * AHEAD;
  return thinned < 1e-9 ? rate * AHEAD : (1 - exp(-thinned)) / dropout;
}
