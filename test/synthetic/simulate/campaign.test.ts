import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from '../support/logistic.ts';
import { mean, standardError } from '../support/likelihood.ts';

const options: SimulationOptions = {
  industry: 'retail',
  seed: 61,
  customers: 20_000,
  months: 2,
  startTime: '2025-01-01T00:00:00Z',
};
const simulation = createSimulation(options);
const key = createSimulationTruths(options);
const { arms } = key.parameters.campaign;
const customers = Array.from({ length: options.customers }, (_, index) => {
  const events = simulation.events(index);
  const { data } = events.find(({ type }) => type === 'campaign.sent')!;
  const closed = events.find(({ type }) => type === 'campaign.closed')!;
  return {
    truth: key.truth(index).campaign!,
    profile: simulation.customer(index).profile,
    arm: arms.indexOf(String(data['arm'])),
    randomised: data['randomised'] === true,
    responded: Number(closed.data['responded']),
  };
});

/** Effect of an arm against none as a difference of means, with its standard error. */
function difference(group: typeof customers, arm: number): { effect: number; error: number } {
  const of = (wanted: number): number[] =>
    group.filter((customer) => customer.arm === wanted).map(({ responded }) => responded);
  return {
    effect: mean(of(arm)) - mean(of(0)),
    error: Math.hypot(standardError(of(arm)), standardError(of(0))),
  };
}

const average = (arm: number): number =>
  mean(customers.map(({ truth }) => truth.probabilities[arm]! - truth.probabilities[0]!));

describe('treatments', () => {
  it('have the effects of Hillstrom on average: 10.6 % visit without, 7.7 and 4.5 points more with', () => {
    expect(Math.abs(mean(customers.map(({ truth }) => truth.probabilities[0]!)) - 0.106)).toBeLessThan(0.01);
    expect(Math.abs(average(1) - 0.0766)).toBeLessThan(0.01);
    expect(Math.abs(average(2) - 0.0452)).toBeLessThan(0.01);
  });

  it('by lot: a difference of means finds the effect', () => {
    const lot = customers.filter(({ randomised }) => randomised);
    expect(Math.abs(lot.length / customers.length - 0.5)).toBeLessThan(0.015);
    for (const arm of [1, 2]) {
      const { effect, error } = difference(lot, arm);
      expect(Math.abs(effect - average(arm)) / error).toBeLessThan(2.5);
    }
  });

  it('confounded: a difference of means is wrong, weighting by the true propensities is right', () => {
    const chosen = customers.filter(({ randomised }) => !randomised);
    const { effect, error } = difference(chosen, 2);
    expect((effect - average(2)) / error).toBeGreaterThan(4);
    const weighted = chosen.map(({ arm, responded, truth }) => {
      if (arm === 2) return responded / truth.propensities[2]!;
      return arm === 0 ? -responded / truth.propensities[0]! : 0;
    });
    expect(Math.abs(mean(weighted) - average(2)) / standardError(weighted)).toBeLessThan(2.5);
  });

  it('show one potential outcome and keep the others, all from the same chance', () => {
    for (const { truth, arm, responded } of customers) {
      expect(Boolean(responded)).toBe(truth.outcomes[arm]);
      for (const k of [1, 2]) {
        const [without, with_] = [truth.outcomes[0], truth.outcomes[k]];
        const kinds = { truetrue: 'sure thing', truefalse: 'sleeping dog', falsetrue: 'persuadable' };
        const kind = kinds[`${String(without)}${String(with_)}` as keyof typeof kinds] ?? 'lost cause';
        expect(truth.classes[k - 1]).toBe(kind);
        // Whoever an arm helps is never lost by it.
        if (truth.probabilities[k]! >= truth.probabilities[0]!) expect(kind).not.toBe('sleeping dog');
      }
    }
    const kinds = new Set(customers.flatMap(({ truth }) => truth.classes));
    expect(kinds).toEqual(new Set(['persuadable', 'sure thing', 'lost cause', 'sleeping dog']));
  });

  it('can be learned: a two-model learner ranks better than chance and worse than the oracle', () => {
    const lot = customers.filter(({ randomised, arm }) => randomised && arm !== 2);
    const segments = key.parameters.segments.map(({ name }) => name);
    const row = ({ profile }: (typeof customers)[number]): number[] => [
      (profile.age - 54) / 15,
      ...segments.slice(1).map((segment) => Number(profile.segment === segment)),
    ];
    const fit = (arm: number): ReturnType<typeof fitLogistic> => {
      const group = lot.filter((customer) => customer.arm === arm);
      return fitLogistic(
        group.map(row),
        group.map(({ responded }) => responded),
      );
    };
    const [none, mail] = [fit(0), fit(1)];
    const chance = (x: number): number => 1 / (1 + Math.exp(-x));
    const learned = lot.map((c) => chance(mail.score(row(c))) - chance(none.score(row(c))));
    const oracle = lot.map(({ truth }) => truth.probabilities[1]! - truth.probabilities[0]!);
    // Precision in estimating heterogeneous effects, against saying the average of everybody.
    const pehe = Math.sqrt(mean(learned.map((x, i) => (x - oracle[i]!) ** 2)));
    const constant = Math.sqrt(mean(oracle.map((x) => (x - mean(oracle)) ** 2)));
    expect(pehe).toBeLessThan(0.75 * constant);
    const gain = (scores: readonly number[]): number => qini(scores, lot);
    expect(gain(learned)).toBeGreaterThan(0);
    expect(gain(oracle)).toBeGreaterThan(gain(learned));
  });
});

/** Area between the Qini curve and the straight line of chance, per customer: Y_t - Y_c n_t / n_c down the ranking. */
function qini(scores: readonly number[], group: typeof customers): number {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  let [treated, control, gained, lost, area] = [0, 0, 0, 0, 0];
  const curve = order.map((i) => {
    const { arm, responded } = group[i]!;
    if (arm === 0) {
      control++;
      lost += responded;
    } else {
      treated++;
      gained += responded;
    }
    return control === 0 ? 0 : gained - (lost * treated) / control;
  });
  for (const [i, height] of curve.entries()) area += height - (curve.at(-1)! * (i + 1)) / curve.length;
  return area / curve.length ** 2;
}
