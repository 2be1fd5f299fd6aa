import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { areaUnderCurve, fitLogistic } from '../support/logistic.ts';
import { mean } from '../support/likelihood.ts';

const MONTH = 30 * 86_400_000;

/** Person-months from the events alone: what could be known at the end of each month, and whether the customer left in it. */
function personMonths(options: SimulationOptions): { rows: number[][]; labels: number[]; hazards: number[] } {
  const simulation = createSimulation(options);
  const key = createSimulationTruths(options);
  const rows: number[][] = [];
  const labels: number[] = [];
  const hazards: number[] = [];
  for (let index = 0; index < options.customers; index++) {
    const events = simulation.events(index).map((event) => ({
      ...event,
      month: (Date.parse(event.time) - Date.parse(options.startTime)) / MONTH,
    }));
    const facts = events.find(({ type }) => type === 'attribute.set')!.data;
    const within = (type: string, from: number, to: number): typeof events =>
      events.filter((event) => event.type === type && event.month >= from && event.month < to);
    const { contracts } = key.parameters.subscription!;
    const contract = contracts.findIndex(({ name }) => name === facts['contract']);
    for (const [month, hazard] of key.truth(index).hazards!.entries()) {
      const served = Number(facts['tenureMonths']) + month;
      const term = contracts[contract]!.termMonths;
      const rise = within('price.changed', month, month + 1)[0]?.data['percent'] ?? 0;
      rows.push([
        ...contracts.slice(1).map((_, i) => Number(contract === i + 1)),
        Number(term > 1 && (served + 1) % term === 0),
        Math.log(1 + served),
        Number(rise) / 10,
        within('price.changed', month - 2, month + 1).length,
        Number(within('competitor.campaign', month, month + 1).length > 0),
        Math.min(4, within('ticket.opened', month - 1, month + 1).length),
        within('ticket.opened', month - 2, month + 1).filter(({ data }) => data['resolved'] === false).length,
        within('outage.reported', month - 2, month + 1).length,
      ]);
      labels.push(Number(within('customer.left', month, month + 1).length > 0));
      hazards.push(hazard);
    }
  }
  return { rows, labels, hazards };
}

const options: SimulationOptions = {
  industry: 'telecom',
  seed: 31,
  customers: 5_000,
  months: 12,
  startTime: '2025-01-01T00:00:00Z',
  // Competitors campaign by site: with one site, a year has twelve coins only.
  federation: { sites: 25 },
};

describe('churn', () => {
  const train = personMonths(options);
  const test = personMonths({ ...options, seed: 32 });
  const fit = fitLogistic(train.rows, train.labels);

  it('gives the planted hazard back', () => {
    const { subscription } = createSimulationTruths(options).parameters;
    const planted = [
      subscription!.contracts[1]!.logit,
      subscription!.contracts[2]!.logit,
      subscription!.cliff,
      -subscription!.tenure,
      subscription!.rise,
      0.3 * subscription!.satisfaction,
      subscription!.competitor,
      subscription!.tickets,
      0.5 * subscription!.satisfaction,
      0.25 * subscription!.satisfaction,
    ];
    for (const [i, value] of planted.entries()) {
      const error = Math.abs(fit.coefficients[i]! / fit.z[i]!);
      // Three standard errors, and 5 % for the trait that no event shows, which pulls every coefficient to zero.
      expect(Math.abs(fit.coefficients[i]! - value)).toBeLessThan(3 * error + 0.05 * Math.abs(value));
      expect(Math.abs(fit.z[i]!)).toBeGreaterThan(3);
    }
  });

  it('is predicted on new customers within 0.01 of the AUC of the true hazard', () => {
    const best = areaUnderCurve(test.hazards, test.labels);
    const fitted = areaUnderCurve(
      test.rows.map((row) => fit.score(row)),
      test.labels,
    );
    expect(best).toBeGreaterThan(0.75);
    expect(best - fitted).toBeLessThan(0.01);
    expect(best - fitted).toBeGreaterThan(-0.01);
  });

  it('takes about 26.5 % of the customers of a telecom in a year', () => {
    const left = train.labels.reduce((sum, label) => sum + label, 0) / options.customers;
    expect(Math.abs(left - 0.265)).toBeLessThan(0.025);
  });

  it('is as frequent as the hazards announce, month by month', () => {
    for (const low of [0, 0.01, 0.03, 0.06, 0.1]) {
      const members = train.hazards.flatMap((hazard, i) =>
        hazard >= low && hazard < 2 * low + 0.01 ? [i] : [],
      );
      const expected = mean(members.map((i) => train.hazards[i]!));
      const observed = mean(members.map((i) => train.labels[i]!));
      const error = Math.sqrt((expected * (1 - expected)) / members.length);
      expect(Math.abs(observed - expected) / error).toBeLessThan(4);
    }
  });

  it('says nothing after a customer left', () => {
    const simulation = createSimulation(options);
    let seen = 0;
    for (let index = 0; index < 500; index++) {
      const events = simulation.events(index);
      const leaving = events.find(({ type }) => type === 'customer.left');
      if (leaving === undefined) continue;
      seen++;
      expect(events.filter(({ time }) => time > leaving.time)).toEqual([]);
    }
    expect(seen).toBeGreaterThan(80);
  });
});
