import { describe, expect, it } from 'vitest';
import {
  bernoulli,
  categorical,
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

  it.each([0.05, 0.7, 4, 60])('poisson with mean %s', (mean) => {
    const values = sample('poisson', (stream) => poisson(stream, mean));
    expect(surprise(values, mean, mean, mean + 3 * mean ** 2)).toBeLessThan(5);
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
