import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { fitLikelihood, logGamma, mean, standardError } from '../support/likelihood.ts';

const options: SimulationOptions = {
  industry: 'retail',
  seed: 11,
  customers: 4_000,
  months: 18,
  startTime: '2025-01-01T00:00:00Z',
};
const simulation = createSimulation(options);
const key = createSimulationTruths(options);
const planted = key.parameters.orders!;
const WEEK = 7 * 86_400_000;
const end = Date.parse(options.startTime) + options.months * 30 * 86_400_000;

/** Frequency, recency and length of observation in weeks, and the euros of each order: from the events alone. */
const histories = Array.from({ length: options.customers }, (_, index) => {
  const orders = simulation.events(index).filter(({ type }) => type === 'order.placed');
  const times = orders.map(({ time }) => Date.parse(time));
  return {
    index,
    x: orders.length - 1,
    tx: (times.at(-1)! - times[0]!) / WEEK,
    T: (end - times[0]!) / WEEK,
    euros: orders.map(({ data }) => data['amount'] as number),
  };
});

/** Fader, Hardie, Lee (2005), equation 6. */
function bgNbd(log: readonly number[]): number {
  const [r, alpha, a, b] = log.map(Math.exp) as [number, number, number, number];
  const fixed = -logGamma(r) + r * Math.log(alpha) + logGamma(a + b) - logGamma(b);
  let sum = 0;
  for (const { x, tx, T } of histories) {
    const both = logGamma(r + x) + logGamma(b + x) - logGamma(a + b + x);
    const alive = -(r + x) * Math.log(alpha + T);
    const gone = x === 0 ? 0 : Math.exp(Math.log(a / (b + x - 1)) - (r + x) * Math.log(alpha + tx) - alive);
    sum += fixed + both + alive + Math.log1p(gone);
  }
  return -sum;
}

/** Fader, Hardie (2013): the marginal likelihood of the mean of the x orders of a customer. */
function gammaGamma(log: readonly number[]): number {
  const [p, q, gamma] = log.map(Math.exp) as [number, number, number];
  let sum = 0;
  for (const { euros } of histories) {
    const n = euros.length;
    const z = mean(euros);
    sum +=
      logGamma(p * n + q) -
      logGamma(p * n) -
      logGamma(q) +
      q * Math.log(gamma) +
      (p * n - 1) * Math.log(z) +
      p * n * Math.log(n) -
      (p * n + q) * Math.log(gamma + n * z);
  }
  return -sum;
}

describe('orders', () => {
  it('give the planted BG/NBD parameters back, each within two standard errors', () => {
    const fit = fitLikelihood(bgNbd, [0.5, 4, 1, 2].map(Math.log));
    for (const [i, value] of [planted.r, planted.alpha, planted.a, planted.b].entries())
      expect(Math.abs(fit.parameters[i]! - Math.log(value)) / fit.errors[i]!).toBeLessThan(2);
    // Small enough that the test can tell CDNOW's parameters from others.
    expect(Math.max(...fit.errors)).toBeLessThan(0.25);
  });

  it('give the planted Gamma-Gamma parameters back, each within two standard errors', () => {
    const fit = fitLikelihood(gammaGamma, [4, 3, 10].map(Math.log));
    const { p, q, gamma } = planted.spend;
    for (const [i, value] of [p, q, gamma].entries())
      expect(Math.abs(fit.parameters[i]! - Math.log(value)) / fit.errors[i]!).toBeLessThan(2);
    expect(Math.max(...fit.errors)).toBeLessThan(0.25);
  });

  it('come on as the answer key announces: 39 weeks later, orders and euros', () => {
    const longer = createSimulation({ ...options, months: 28 });
    const until = end + 39 * WEEK;
    const differences: number[] = [];
    for (const { index, euros } of histories) {
      const truth = key.truth(index).orders!;
      const all = longer
        .events(index)
        .filter(({ type, time }) => type === 'order.placed' && Date.parse(time) < until);
      // The same life, seen for longer.
      expect(all.slice(0, euros.length).map(({ data }) => data['amount'])).toEqual(euros);
      differences.push(all.length - euros.length - truth.expectedOrders);
      if (truth.goneSince !== null) expect(all.length).toBe(euros.length);
    }
    expect(Math.abs(mean(differences)) / standardError(differences)).toBeLessThan(3.5);
    const values = histories.map(({ index }) => key.truth(index).orders!);
    for (const { expectedOrders, meanSpend, expectedValue } of values)
      expect(expectedValue).toBeCloseTo(expectedOrders * meanSpend, 8);
  });
});
