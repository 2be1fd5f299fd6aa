import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from '../support/logistic.ts';
import { mean, standardError } from '../support/likelihood.ts';

const options: SimulationOptions = {
  industry: 'health',
  seed: 51,
  customers: 4_000,
  months: 12,
  startTime: '2025-01-01T00:00:00Z',
};
const simulation = createSimulation(options);
const key = createSimulationTruths(options);
const patients = Array.from({ length: options.customers }, (_, index) => ({
  truth: key.truth(index),
  profile: simulation.customer(index).profile,
  events: simulation.events(index),
}));

const rows: number[][] = [];
const missed: number[] = [];
for (const { profile, events } of patients) {
  let past = 0;
  for (const { data } of events.filter(({ type }) => type === 'appointment.closed')) {
    rows.push([
      Math.min(60, Number(data['leadDays'])),
      profile.age - 45,
      Math.min(3, past),
      Math.min(40, profile.distanceKm),
      Number(data['reminder']),
    ]);
    missed.push(Number(data['attended'] === false));
    past += missed.at(-1)!;
  }
}

describe('appointments', () => {
  it('are missed by about 20.2 %', () => {
    expect(Math.abs(mean(missed) - 0.202)).toBeLessThan(0.015);
    const announced = patients.flatMap(({ truth }) => truth.noShow!);
    expect(announced.length).toBe(missed.length);
    const surprises = announced.map((risk, i) => missed[i]! - risk);
    expect(Math.abs(mean(surprises)) / standardError(surprises)).toBeLessThan(3);
  });

  it('give the planted logit back, each within two standard errors', () => {
    const { noShow } = key.parameters.appointments!;
    const fit = fitLogistic(rows, missed);
    const planted = [
      noShow.lead,
      noShow.age,
      noShow.past,
      noShow.distance,
      noShow.reminder,
      noShow.intercept,
    ];
    for (const [i, value] of planted.entries()) {
      const error = fit.coefficients[i]! / fit.z[i]!;
      expect(Math.abs((fit.coefficients[i]! - value) / error)).toBeLessThan(2);
      expect(Math.abs(fit.z[i]!)).toBeGreaterThan(5);
    }
  });

  it('are reminded of by lot', () => {
    const reminded = rows.map((row) => row[4]!);
    expect(Math.abs(mean(reminded) - 0.5) / standardError(reminded)).toBeLessThan(3);
  });
});

describe('adherence', () => {
  const days = 30 * options.months;
  const taking = patients.filter(({ truth }) => truth.adherence !== null);

  it('is a two-state Markov chain: stops and resumptions per day at risk are the planted ones', () => {
    let [stops, resumptions, expectedStops, expectedResumptions] = [0, 0, 0, 0];
    for (const { truth, events } of taking) {
      const changes = events.filter(({ type }) => type === 'medication.changed');
      for (const [i, { time, data }] of changes.entries()) {
        const next = changes[i + 1];
        const until = next === undefined ? days : dayOf(next.time);
        // A chain can leave a state only from its first day on to the next: one trial a day.
        const trials = until - dayOf(time);
        if (data['taking'] === true) {
          stops += Number(next !== undefined);
          expectedStops += trials * truth.adherence!.stop;
        } else {
          resumptions += Number(next !== undefined);
          expectedResumptions += trials * truth.adherence!.resume;
        }
      }
    }
    expect(stops).toBeGreaterThan(10_000);
    expect(Math.abs(stops - expectedStops) / Math.sqrt(expectedStops)).toBeLessThan(3.5);
    expect(Math.abs(resumptions - expectedResumptions) / Math.sqrt(expectedResumptions)).toBeLessThan(3.5);
  });

  it('covers the days that the key announces in the long run, and the table says so', () => {
    const differences = taking.map(
      ({ truth }) => Number(simulation.record(truth.index)['daysCovered']) - truth.adherence!.covered,
    );
    // Everybody begins by taking: a little more than the long run.
    expect(mean(differences)).toBeGreaterThan(0);
    expect(mean(differences)).toBeLessThan(0.02);
    expect(Math.abs(taking.length / options.customers - 0.55)).toBeLessThan(0.03);
  });
});

function dayOf(time: string): number {
  return Math.floor((Date.parse(time) - Date.parse(options.startTime)) / 86_400_000);
}
