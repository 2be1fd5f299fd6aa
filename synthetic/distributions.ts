/**
 * Samplers. Each turns one uniform into one value by inverting the distribution function, so that a sampler always takes the
 * same number of words and is monotone in them: the same customer under a changed parameter differs by the change alone
 * (common random numbers). Those of the gamma family reject and so take as many words as they need: draw them last from a
 * stream, or from a stream of their own.
 */
import { exp, log, normalQuantile } from './elementary.ts';
import type { RandomStream } from './prng.ts';

const MAX_POISSON_MEAN = 100;

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

/** Exponential with mean 1. */
export function exponential(stream: RandomStream): number {
  return -log(uniform(stream));
}

/** Trials up to and with the first success, 1, 2, ...; `probability` in (0, 1]. */
export function geometric(stream: RandomStream, probability: number): number {
  const trials = exponential(stream);
  return probability >= 1 ? 1 : 1 + Math.floor(trials / -log(1 - probability));
}

/** Poisson. By adding up the probabilities from zero up to a mean of 100; a larger one is a sum of smaller ones. */
export function poisson(stream: RandomStream, mean: number): number {
  if (mean > MAX_POISSON_MEAN) {
    const parts = Math.ceil(mean / MAX_POISSON_MEAN);
    let sum = 0;
    for (let part = 0; part < parts; part++) sum += poisson(stream, mean / parts);
    return sum;
  }
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

/**
 * Gamma with the shape > 0 and scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000). Below
 * shape 1 a draw of shape + 1 is multiplied by u^(1/shape), which may underflow to 0.
 */
export function gamma(stream: RandomStream, shape: number): number {
  const boost = shape < 1 ? exp(log(uniform(stream)) / shape) : 1;
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(stream);
    const v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (v > 0 && log(uniform(stream)) < 0.5 * x * x + d - d * v + d * log(v)) return boost * d * v;
  }
}

/** Beta, both parameters > 0. */
export function beta(stream: RandomStream, a: number, b: number): number {
  const x = gamma(stream, a);
  const y = gamma(stream, b);
  // Both underflow only for tiny parameters, where nearly all mass lies at the two ends, shared as a : b.
  return x + y > 0 ? x / (x + y) : Number(bernoulli(stream, a / (a + b)));
}

/** Shares that add up to 1, with the means of `concentrations` over their sum; the smaller the sum, the more uneven. */
export function dirichlet(stream: RandomStream, concentrations: readonly number[]): number[] {
  const draws = concentrations.map((concentration) => gamma(stream, concentration));
  const sum = draws.reduce((total, draw) => total + draw, 0);
  if (sum > 0) return draws.map((draw) => draw / sum);
  const only = categorical(stream, [...concentrations.keys()], concentrations);
  return concentrations.map((_, i) => Number(i === only));
}
