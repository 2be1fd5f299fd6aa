import { createTelecomPopulation, type PopulationOptions } from '@twinkeep/synthetic';
import { createTelecomTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { drivers } from './support/drivers.ts';
import { areaUnderCurve, fitLogistic } from './support/logistic.ts';

const options: PopulationOptions = { seed: 77, customers: 20_000, referenceTime: '2026-01-01T00:00:00Z' };
const population = createTelecomPopulation(options);
const truths = [...createTelecomTruths(options).truths()];
const labels: number[] = [];
const rows = truths.map(({ index }) => {
  const events = population.customerEvents(index);
  labels.push(Number(events.at(-1)?.data['value']));
  return drivers.map((driver) => driver.value(events));
});

const bayes = truths.map(({ bayesProbability }) => bayesProbability);
const hazards = truths.map(({ hazard }) => hazard);
const total = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

/** How many standard deviations the labels are from what the probabilities announce. */
function surprise(probabilities: readonly number[], observed: readonly number[]): number {
  const variance = total(probabilities.map((p) => p * (1 - p)));
  return Math.abs(total(observed) - total(probabilities)) / Math.sqrt(variance);
}

describe('the answer key', () => {
  it('sets a base rate of about 26 %', () => {
    const rate = total(labels) / labels.length;
    expect(Math.abs(rate - 0.26)).toBeLessThan(4 * Math.sqrt((0.26 * 0.74) / labels.length));
  });

  it('is calibrated: in every decile the labels come as often as announced', () => {
    for (const probabilities of [bayes, hazards]) {
      const order = probabilities.map((_, i) => i).toSorted((a, b) => probabilities[a]! - probabilities[b]!);
      for (let decile = 0; decile < 10; decile++) {
        const members = order.slice(decile * 2_000, (decile + 1) * 2_000);
        expect(
          surprise(
            members.map((i) => probabilities[i]!),
            members.map((i) => labels[i]!),
          ),
        ).toBeLessThan(4.5);
      }
    }
  });

  it('knows the best AUC that events allow, 0.85 to 0.875, and that the mood would add to it', () => {
    const best = areaUnderCurve(bayes, labels);
    expect(best).toBeGreaterThan(0.85);
    expect(best).toBeLessThan(0.875);
    expect(areaUnderCurve(hazards, labels)).toBeGreaterThan(best + 0.005);
  });

  it('has integrated the mood out exactly: given the events, its mean hazard is the Bayes probability', () => {
    // The tower rule, in slices that the events define: E[hazard | slice] = E[bayesProbability | slice].
    const surveyColumn = drivers.findIndex(({ name }) => name === 'survey answer');
    for (let score = 0; score <= 10; score++) {
      const members = truths.filter((_, i) => rows[i]![surveyColumn] === score - 7);
      const differences = members.map(({ hazard, bayesProbability }) => hazard - bayesProbability);
      const mean = total(differences) / members.length;
      const error = Math.sqrt(total(differences.map((d) => (d - mean) ** 2))) / members.length;
      expect(members.length).toBeGreaterThan(100);
      expect(Math.abs(mean)).toBeLessThan(4.5 * error);
    }
  });

  it('speaks of the customers of the same population, one by one and in any order', () => {
    const again = createTelecomTruths(options);
    for (const index of [19_999, 0, 7]) expect(again.truth(index)).toEqual(truths[index]);
    expect(() => again.truth(20_000)).toThrow(RangeError);
  });

  it('is nowhere in what the population gives out', () => {
    const shown = JSON.stringify([population.customer(3), population.customerEvents(3)]);
    expect(shown).not.toMatch(/hazard|bayes|mood/i);
    expect(shown).not.toContain(String(truths[3]?.hazard));
  });
});

describe('the mechanism', () => {
  const half = 10_000;
  const fit = fitLogistic(rows.slice(0, half), labels.slice(0, half));
  const heldOut = rows.slice(half);
  const heldOutLabels = labels.slice(half);
  const auc = areaUnderCurve(
    heldOut.map((row) => fit.score(row)),
    heldOutLabels,
  );

  it('is found again by a regression on events: every driver with its sign, far from chance', () => {
    const weak = drivers.filter(({ sign }, i) => fit.z[i]! * sign < 3);
    expect(weak.map(({ name }) => name)).toEqual([]);
  });

  it('is what predicts: shuffling any driver among the customers costs AUC', () => {
    const idle = drivers.filter((_, column) => {
      const shuffled = heldOut.map((row, i) => row.with(column, heldOut[(i + 4_999) % half]![column]!));
      return (
        areaUnderCurve(
          shuffled.map((row) => fit.score(row)),
          heldOutLabels,
        ) >
        auc - 0.0005
      );
    });
    expect(idle.map(({ name }) => name)).toEqual([]);
    const noise = heldOut.map((_, i) => heldOut[(i + 4_999) % half]!);
    expect(
      Math.abs(
        areaUnderCurve(
          noise.map((row) => fit.score(row)),
          heldOutLabels,
        ) - 0.5,
      ),
    ).toBeLessThan(0.03);
  });

  it('is not linear: the misfit of the plan hides from a straight line, and no regression reaches the best AUC', () => {
    const straight = rows.map((row) => row.slice(0, 11));
    const linear = fitLogistic(straight.slice(0, half), labels.slice(0, half));
    const linearAuc = areaUnderCurve(
      straight.slice(half).map((row) => linear.score(row)),
      heldOutLabels,
    );
    const best = areaUnderCurve(bayes.slice(half), heldOutLabels);
    expect(linearAuc).toBeLessThan(best - 0.03);
    expect(auc).toBeGreaterThan(linearAuc + 0.015);
    expect(auc).toBeLessThan(best);
  });

  it('holds for every length of history', () => {
    for (const windowMonths of [6, 12, 24]) {
      const made = createTelecomTruths({ ...options, customers: 4_000, windowMonths });
      const rate = total([...made.truths()].map(({ hazard }) => hazard)) / made.size;
      expect(Math.abs(rate - 0.26)).toBeLessThan(0.025);
    }
  });
});
