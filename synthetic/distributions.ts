/**
 * Samplers. Each turns one uniform into one value by inverting the distribution function, so that a sampler always takes the
 * same number of words and is monotone in them: the same customer under a changed parameter differs by the change alone
 * (common random numbers).
 */
import { exp, log, normalQuantile } from './elementary.ts';
import type { RandomStream } from './prng.ts';

/** Uniform on the open interval (0, 1), 52 bits: (n + 1/2) / 2^52, exact. */
export function uniform(stream: RandomStream): number {
  const high = stream.uint32() >>> 6;
  const low = stream.uint32() >>> 6;
  return (high * 0x4000000 + low + 0.5) / 0x10000000000000;
}

/** An integer in [min, max], both included. */
export function integer(stream: RandomStream, min: number, max: number): number {
  return min + Math.floor(uniform(stream) * (max - min + 1));
}

export function bernoulli(stream: RandomStream, probability: number): boolean {
  return uniform(stream) < probability;
}

/** Standard normal. */
export function normal(stream: RandomStream): number {
  return normalQuantile(uniform(stream));
}

/** Standard logistic: location 0, scale 1. */
export function logistic(stream: RandomStream): number {
  const u = uniform(stream);
  return log(u / (1 - u));
}

/** Poisson with mean `mean` <= 100, by adding up the probabilities from zero. */
export function poisson(stream: RandomStream, mean: number): number {
  const u = uniform(stream);
  let count = 0;
  let probability = exp(-mean);
  let cumulative = probability;
  // The rounded sum can stay just below a u next to 1: it ends where, beyond the mean, a term no longer moves it.
  while (u > cumulative && (count < mean || cumulative + probability > cumulative)) {
    count++;
    probability *= mean / count;
    cumulative += probability;
  }
  return count;
}

/** One of `values`, with chances in proportion to `weights` (same length, not all zero). */
export function categorical<T>(stream: RandomStream, values: readonly T[], weights: readonly number[]): T {
  let rest = uniform(stream) * weights.reduce((sum, weight) => sum + weight, 0);
  const last = values.length - 1;
  for (let i = 0; i < last; i++) {
    rest -= weights[i] as number;
    if (rest < 0) return values[i] as T;
  }
  return values[last] as T;
}
