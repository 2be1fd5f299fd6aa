import { describe, expect, it } from 'vitest';
import {
  bernoulli,
  beta,
  categorical,
  dirichlet,
  exponential,
  gamma,
  geometric,
  integer,
  logistic,
  normal,
  poisson,
  uniform,
  createRandomSource,
  type RandomStream,
} from '@twinkeep/synthetic/random';

const DRAWS = 40_000;

/** Every draw from an address of its own, as the simulator draws. */
function sample(field: string, draw: (stream: RandomStream) => number): number[] {
  const random = createRandomSource(2_026);
  return Array.from({ length: DRAWS }, (_, entity) => draw(random.stream(entity, field)));
}

/** How many standard errors mean and variance are off, the larger; `fourth` is the central fourth moment. */
function surprise(values: number[], mean: number, variance: number, fourth: number): number {
  const average = values.reduce((sum, x) => sum + x, 0) / DRAWS;
  const spread = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / DRAWS;
  return Math.max(
    Math.abs(average - mean) / Math.sqrt(variance / DRAWS),
    Math.abs(spread - variance) / Math.sqrt((fourth - variance ** 2) / DRAWS),
  );
}

describe('distributions', () => {
  it('uniform: moments, and never an end of the interval', () => {
    const values = sample('uniform', uniform);
    expect(surprise(values, 1 / 2, 1 / 12, 1 / 80)).toBeLessThan(5);
    expect(uniform({ uint32: () => 0 })).toBeGreaterThan(0);
    expect(uniform({ uint32: () => 0xffffffff })).toBeLessThan(1);
  });

  it('normal and logistic', () => {
    expect(surprise(sample('normal', normal), 0, 1, 3)).toBeLessThan(5);
    expect(surprise(sample('logistic', logistic), 0, Math.PI ** 2 / 3, (7 * Math.PI ** 4) / 15)).toBeLessThan(
      5,
    );
  });

  it('exponential and geometric', () => {
    expect(surprise(sample('exponential', exponential), 1, 1, 9)).toBeLessThan(5);
    for (const p of [0.03, 0.4, 0.9]) {
      const values = sample('geometric', (stream) => geometric(stream, p));
      const variance = (1 - p) / p ** 2;
      expect(surprise(values, 1 / p, variance, variance * (9 * variance + 1))).toBeLessThan(5);
      expect(Math.min(...values)).toBe(1);
    }
    expect(geometric({ uint32: () => 77 }, 1)).toBe(1);
  });

  it.each([0.24, 1, 3.7, 40])('gamma of shape %s', (shape) => {
    const values = sample('gamma', (stream) => gamma(stream, shape));
    expect(surprise(values, shape, shape, 3 * shape ** 2 + 6 * shape)).toBeLessThan(5);
  });

  it('beta and dirichlet, down to shapes so small that gammas underflow', () => {
    const [a, b] = [0.79, 2.43];
    const mean = a / (a + b);
    const variance = (a * b) / ((a + b) ** 2 * (a + b + 1));
    const excess =
      (6 * ((a - b) ** 2 * (a + b + 1) - a * b * (a + b + 2))) / (a * b * (a + b + 2) * (a + b + 3));
    const values = sample('beta', (stream) => beta(stream, a, b));
    expect(surprise(values, mean, variance, (excess + 3) * variance ** 2)).toBeLessThan(5);
    const ends = sample('beta-ends', (stream) => beta(stream, 1e-4, 3e-4));
    expect(surprise(ends.map(Math.round), 0.25, 3 / 16, 0.75 * 0.25 ** 4 + 0.25 * 0.75 ** 4)).toBeLessThan(5);
    const shares = sample('dirichlet', (stream) => dirichlet(stream, [1, 2, 1])[1] as number);
    expect(surprise(shares, 1 / 2, 1 / 20, 1 / 160 - 1 / 560)).toBeLessThan(6);
    for (const concentrations of [
      [1, 2, 3],
      [1e-4, 1e-4],
    ]) {
      const drawn = dirichlet(createRandomSource(5).stream(0, 'one'), concentrations);
      expect(drawn.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  it.each([0.05, 0.7, 4, 60, 1_234])('poisson with mean %s', (mean) => {
    const values = sample('poisson', (stream) => poisson(stream, mean));
    expect(surprise(values, mean, mean, mean + 3 * mean ** 2)).toBeLessThan(5);
    if (mean <= 100)
      expect(poisson({ uint32: () => 0xffffffff }, mean)).toBeLessThan(mean + 12 * Math.sqrt(mean) + 20);
  });

  it('integer covers its range evenly, both ends included', () => {
    const values = sample('integer', (stream) => integer(stream, -2, 3));
    for (let k = -2; k <= 3; k++) {
      const share = values.filter((value) => value === k).length / DRAWS;
      expect(Math.abs(share - 1 / 6)).toBeLessThan(5 * Math.sqrt(5 / 36 / DRAWS));
    }
    expect(new Set(values).size).toBe(6);
  });

  it('bernoulli and categorical keep their chances, and give no word of weight 0', () => {
    const yes = sample('bernoulli', (stream) => Number(bernoulli(stream, 0.3)));
    expect(surprise(yes, 0.3, 0.21, 0.3 * 0.7 ** 4 + 0.7 * 0.3 ** 4)).toBeLessThan(5);
    const values = sample('categorical', (stream) => categorical(stream, [0, 1, 2, 3], [1, 0, 3, 4]));
    for (const [k, chance] of [1 / 8, 0, 3 / 8, 4 / 8].entries()) {
      const share = values.filter((value) => value === k).length / DRAWS;
      expect(Math.abs(share - chance)).toBeLessThanOrEqual(5 * Math.sqrt((chance * (1 - chance)) / DRAWS));
    }
  });
});
