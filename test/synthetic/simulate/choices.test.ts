import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { mean, standardError } from '../support/likelihood.ts';

const options: SimulationOptions = {
  industry: 'banking',
  seed: 21,
  customers: 6_000,
  months: 6,
  startTime: '2025-01-01T00:00:00Z',
};
const simulation = createSimulation(options);
const key = createSimulationTruths(options);
const offers = key.parameters.choice.offers.map(({ name }) => name);

const sessions = Array.from({ length: options.customers }, (_, index) => {
  const { acceptance } = key.truth(index);
  const { segment } = simulation.customer(index).profile;
  return simulation
    .events(index)
    .filter(({ type }) => type === 'session.visited')
    .map(({ data }) => ({
      index,
      segment,
      acceptance,
      shown: offers.indexOf(String(data['shown'])),
      propensity: data['propensity'] as number,
      accepted: Number(data['shown'] === data['chosen']),
      chosen: String(data['chosen']),
    }));
}).flat();

describe('choices', () => {
  it('are logged with the chance with which the offer was shown', () => {
    expect(sessions.length).toBeGreaterThan(50_000);
    for (const segment of new Set(sessions.map((session) => session.segment)))
      for (const offer of offers.keys()) {
        const within = sessions.filter((session) => session.segment === segment);
        const { propensity } = within.find(({ shown }) => shown === offer)!;
        const share = within.filter(({ shown }) => shown === offer).length / within.length;
        const error = Math.sqrt((propensity * (1 - propensity)) / within.length);
        expect(Math.abs(share - propensity) / error).toBeLessThan(4);
      }
  });

  it('accept a shown offer as often as the answer key says', () => {
    for (const offer of offers.keys()) {
      const shown = sessions.filter((session) => session.shown === offer);
      const misses = shown.map(({ accepted, acceptance }) => accepted - acceptance[offer]!);
      expect(Math.abs(mean(misses)) / standardError(misses)).toBeLessThan(4);
    }
    expect(new Set(sessions.map(({ chosen }) => chosen))).toEqual(new Set([...offers, 'none']));
  });

  it('allow off-policy evaluation: the intervals of inverse propensities cover the true value 95 % of the time', () => {
    // A policy that the log never followed: the offer that the customer likes best. 300 tables of 250 sessions each.
    const size = 250;
    let covered = 0;
    const tables = Math.min(300, Math.floor(sessions.length / size));
    for (let table = 0; table < tables; table++) {
      const part = Array.from({ length: size }, (_, i) => sessions[table + tables * i]!);
      const best = part.map(({ acceptance }) => acceptance.indexOf(Math.max(...acceptance)));
      const truth = mean(part.map(({ acceptance }, i) => acceptance[best[i]!]!));
      const weighted = part.map(({ shown, accepted, propensity }, i) =>
        shown === best[i] ? accepted / propensity : 0,
      );
      covered += Number(Math.abs(mean(weighted) - truth) < 1.96 * standardError(weighted));
    }
    expect(tables).toBe(300);
    // 95 % +- 2, with three standard deviations of 300 coins.
    expect(covered / tables).toBeGreaterThan(0.93 - 0.038);
    expect(covered / tables).toBeLessThan(0.97 + 0.03);
  });

  it('would look better than they are if the log were believed: who explores little is biased', () => {
    const naive = mean(sessions.map(({ accepted }) => accepted));
    const even = mean(sessions.map(({ acceptance }) => mean(acceptance)));
    const weighted = sessions.map(({ accepted, propensity }) => accepted / (offers.length * propensity));
    expect(Math.abs(mean(weighted) - even) / standardError(weighted)).toBeLessThan(3.5);
    expect(Math.abs(naive - even) / standardError(weighted)).toBeGreaterThan(4);
  });
});
