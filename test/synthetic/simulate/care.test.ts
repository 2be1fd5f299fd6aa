import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from '../support/logistic.ts';
import { fitLikelihood, mean, standardError } from '../support/likelihood.ts';

const options: SimulationOptions = {
  industry: 'telecom',
  seed: 44,
  customers: 4_000,
  months: 12,
  startTime: '2025-01-01T00:00:00Z',
  federation: { sites: 20 },
};
const simulation = createSimulation(options);
const key = createSimulationTruths(options);
const { care } = key.parameters;
const DAY = 86_400_000;

const lives = Array.from({ length: options.customers }, (_, index) => {
  const events = simulation.events(index);
  const days = (type: string): number[] =>
    events
      .filter((event) => event.type === type)
      .map(({ time }) => (Date.parse(time) - Date.parse(options.startTime)) / DAY);
  return {
    truth: key.truth(index),
    tickets: days('ticket.opened'),
    outages: days('outage.reported'),
    end: days('customer.left')[0] ?? 30 * options.months,
    scores: events.filter(({ type }) => type === 'survey.nps').map(({ data }) => Number(data['score'])),
  };
});

/**
 * The Hawkes likelihood (Ogata 1978) with exponential kernels; of the logarithms of: tickets per outage, per ticket, the factor on the
 * base rate, and the mean days after an outage and after a ticket.
 */
function hawkes(logs: readonly number[]): number {
  const [perOutage, perTicket, base, outageDelay, ticketDelay] = logs.map(Math.exp) as [
    number,
    number,
    number,
    number,
    number,
  ];
  let sum = 0;
  for (const { truth, tickets, outages, end } of lives) {
    const own = (base * truth.ticketRate) / 30;
    const kernel = (count: number, delay: number, since: number): number =>
      (count / delay) * Math.exp(-since / delay);
    const covered = (count: number, delay: number, since: number): number =>
      count * (1 - Math.exp(-since / delay));
    sum -= own * end;
    for (const day of outages) sum -= covered(perOutage, outageDelay, end - day);
    for (const [i, day] of tickets.entries()) {
      sum -= covered(perTicket, ticketDelay, end - day);
      let rate = own;
      for (const outage of outages) if (outage < day) rate += kernel(perOutage, outageDelay, day - outage);
      for (const other of tickets.slice(0, i)) rate += kernel(perTicket, ticketDelay, day - other);
      sum += Math.log(rate);
    }
  }
  return -sum;
}

describe('tickets', () => {
  it('give the planted Hawkes process back: what outages and tickets bring about and when, within two standard errors', () => {
    const fit = fitLikelihood(hawkes, [0.2, 0.1, 1, 1, 10].map(Math.log));
    const planted = [care.perOutage, care.perTicket, 1, care.outageDelay, care.ticketDelay].map(Math.log);
    for (const [i, value] of planted.entries())
      expect(Math.abs(fit.parameters[i]! - value) / fit.errors[i]!).toBeLessThan(2);
    expect(Math.max(...fit.errors)).toBeLessThan(0.1);
  });
});

describe('surveys', () => {
  const asked = lives.flatMap(({ truth }) => truth.surveys);

  it('are an ordered logit of satisfaction', () => {
    for (const threshold of [5, 7, 9]) {
      const fit = fitLogistic(
        asked.map(({ satisfaction }) => [satisfaction]),
        asked.map(({ score }) => Number(score >= threshold)),
      );
      const error = fit.coefficients[0]! / fit.z[0]!;
      expect(Math.abs(fit.coefficients[0]! - 2.2 / 0.9) / error).toBeLessThan(3);
      const cut = (7 - threshold + 0.5) / 0.9;
      expect(Math.abs(fit.coefficients[1]! - cut)).toBeLessThan(0.2);
    }
  });

  it('are answered by whom the answer moves: missing not at random, as the key tells', () => {
    const rate = (low: number, high: number): number =>
      mean(
        asked.filter(({ score }) => score >= low && score <= high).map(({ answered }) => Number(answered)),
      );
    expect(Math.abs(rate(0, 6) - 0.6)).toBeLessThan(0.03);
    expect(Math.abs(rate(7, 8) - 0.25)).toBeLessThan(0.03);
    expect(Math.abs(rate(9, 10) - 0.45)).toBeLessThan(0.03);
    const everybody = asked.map(({ score }) => score);
    const shown = asked.filter(({ answered }) => answered).map(({ score }) => score);
    expect((mean(everybody) - mean(shown)) / standardError(shown)).toBeGreaterThan(4);
  });

  it('show the answers that were given and no other', () => {
    for (const { truth, scores } of lives)
      expect(scores).toEqual(truth.surveys.filter(({ answered }) => answered).map(({ score }) => score));
  });
});
