import { describe, expect, test } from 'vitest';
import { aucInterval } from '../../demo/pages/status/interval.ts';
import { auc } from '../../demo/baselines/metrics.ts';

const logit = (p: number): number => Math.log(p / (1 - p));

test('is that of the paper: 0.893 from 51 and 58 has a standard error of 0.032', () => {
  const { low, high } = aucInterval(0.893, 51, 58, 0)!;
  const standardError = ((logit(high) - logit(low)) / 2 / 1.959964) * 0.893 * (1 - 0.893);
  expect(standardError).toBeCloseTo(0.0325, 4);
  expect((logit(low) + logit(high)) / 2).toBeCloseTo(logit(0.893), 12);
});

test('holds the true value in about 95 of 100 samples', () => {
  // Exponential scores, for which the variance is meant: P(positive > negative) = rate / (rate + 1).
  const rate = 4;
  const uniform = lcg(7);
  const draw = (mean: number): number => -mean * Math.log(1 - uniform());
  const samples = 1_500;
  let held = 0;
  for (let i = 0; i < samples; i++) {
    const [positives, negatives] = [40, 110];
    const scores = Float64Array.from({ length: positives + negatives }, (_, k) =>
      draw(k < positives ? rate : 1),
    );
    const labels = Float32Array.from(scores, (_, k) => Number(k < positives));
    const found = auc(Float32Array.from(scores), labels);
    const { low, high } = aucInterval(found, positives, negatives, 0)!;
    if (low <= rate / (rate + 1) && rate / (rate + 1) <= high) held++;
  }
  // Four standard errors of a share of 0.95 among 1,500 are 0.0225.
  expect(held / samples).toBeGreaterThan(0.9275);
  expect(held / samples).toBeLessThan(0.9725);
});

test('narrows with the counts and stays within 0 and 1', () => {
  const widths = [5, 20, 80, 320].map((n) => {
    const { low, high } = aucInterval(0.97, n, n, 0)!;
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(1);
    return high - low;
  });
  expect(widths.toSorted((a, b) => b - a)).toEqual(widths);
});

describe('there is none', () => {
  test.each([
    ['without positives', 0.8, 0, 10],
    ['without negatives', 0.8, 10, 0],
    ['where every pair is right', 1, 5, 5],
    ['where every pair is wrong', 0, 5, 5],
    ['of no number', Number.NaN, 5, 5],
  ])('%s', (_, value, positives, negatives) => {
    expect(aucInterval(value, positives, negatives, 0)).toBeNull();
  });
});

function lcg(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

test('noise widens it by its own variance', () => {
  const [exact, noisy] = [aucInterval(0.8, 250, 750, 0), aucInterval(0.8, 250, 750, 0.02)];
  const width = (interval: typeof exact): number => (interval?.high ?? 0) - (interval?.low ?? 0);
  const added = Math.sqrt(width(noisy) ** 2 - width(exact) ** 2) / (2 * 1.96);
  expect(added).toBeCloseTo(0.02, 2);
});
