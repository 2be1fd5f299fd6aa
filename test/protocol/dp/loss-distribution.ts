/**
 * Privacy loss distributions, by which published figures of other accountants are checked: an independent way to the same (epsilon,
 * delta), numeric where ours is a formula.
 *
 * The loss L = ln(dP/dQ) of one step, under P, is put on a grid such that every cell keeps its mass under P and under Q ("connecting the
 * dots": Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022; a bound from above, off by the square of the grid step), composed by a
 * Fourier transform, and delta(epsilon) = E[max(0, 1 - e^(epsilon - L))].
 */
import { normalCdf } from './statistics.ts';

/** Distribution functions of the loss under P and under Q. */
export interface LossPair {
  underP: (loss: number) => number;
  underQ: (loss: number) => number;
}

/** N(0, sigma^2) against the same with a shift of 1 in a share q of the runs; `remove`: P is the mixture, `add`: Q is. */
export function sampledGaussian(q: number, sigma: number, direction: 'add' | 'remove'): LossPair {
  // loss(x) = ln(1 - q + q exp((2x - 1) / (2 sigma^2))), and where it has a value.
  const at = (loss: number): number => {
    const inner = Math.expm1(loss) + q;
    return inner <= 0 ? -Infinity : sigma ** 2 * Math.log(inner / q) + 1 / 2;
  };
  const base = (x: number): number => normalCdf(x / sigma);
  const mixed = (x: number): number => (1 - q) * normalCdf(x / sigma) + q * normalCdf((x - 1) / sigma);
  return direction === 'remove'
    ? { underP: (loss) => mixed(at(loss)), underQ: (loss) => base(at(loss)) }
    : { underP: (loss) => 1 - base(at(-loss)), underQ: (loss) => 1 - mixed(at(-loss)) };
}

/** The same when one record is replaced by another: shifts of +1 and -1 in a share q. */
export function substitutedGaussian(q: number, sigma: number): LossPair {
  // The loss is odd and rising in x: ln((1 - q + q u w) / (1 - q + q u / w)), u = exp(-1 / (2 sigma^2)), w = exp(x / sigma^2).
  const u = q * Math.exp(-1 / (2 * sigma ** 2));
  const at = (loss: number): number => {
    const e = Math.exp(loss);
    const b = (1 - q) * (e - 1);
    return sigma ** 2 * Math.log((b + Math.sqrt(b * b + 4 * u * u * e)) / (2 * u));
  };
  const shifted = (by: number) => (loss: number) =>
    (1 - q) * normalCdf(at(loss) / sigma) + q * normalCdf((at(loss) - by) / sigma);
  return { underP: shifted(1), underQ: shifted(-1) };
}

/** Laplace noise of scale b, shift 1: the loss has an atom at either end. */
export function laplace(b: number): LossPair {
  const at = (loss: number): number => (1 - loss * b) / 2;
  const within = (cdf: (x: number) => number) => (loss: number) =>
    loss < -1 / b ? 0 : loss >= 1 / b ? 1 : cdf(at(loss));
  return {
    underP: within((x) => Math.exp(-x / b) / 2),
    underQ: within((x) => 1 - Math.exp((x - 1) / b) / 2),
  };
}

export interface Composition {
  /** delta at a given epsilon, and the least epsilon at a given delta. */
  delta(epsilon: number): number;
  epsilon(delta: number): number;
}

/** @param window losses of the sum lie between these but for a mass that does not matter; @param log2Cells the grid has 2^n cells */
export function compose(
  pair: LossPair,
  times: number,
  window: readonly [low: number, high: number],
  log2Cells: number,
): Composition {
  const size = 2 ** log2Cells;
  const step = (window[1] - window[0]) / size;
  const real = new Float64Array(size);
  const put = (cell: number, mass: number): void => {
    const index = ((cell % size) + size) % size;
    real[index] = real[index]! + mass;
  };
  let [belowP, belowQ] = [0, 0];
  for (let cell = -size / 2; cell < size / 2; cell++) {
    const [low, high] = [(cell - 1) * step, cell * step];
    const [untilP, untilQ] = [pair.underP(high), pair.underQ(high)];
    const [p, q] = [untilP - belowP, untilQ - belowQ];
    [belowP, belowQ] = [untilP, untilQ];
    if (p <= 0) continue;
    // upper + lower = p and upper e^-high + lower e^-low = q.
    const upper = Math.min(p, Math.max(0, (p * Math.exp(-low) - q) / (Math.exp(-low) - Math.exp(-high))));
    put(cell, upper);
    put(cell - 1, p - upper);
  }
  if (times > 1) power(real, times);
  const masses: { loss: number; mass: number }[] = [];
  real.forEach((mass, index) => {
    const cell = Math.ceil(window[0] / step);
    const turn = Math.ceil((cell - index) / size) * size;
    if (mass > 1e-300) masses.push({ loss: (index + turn) * step, mass });
  });
  const delta = (epsilon: number): number =>
    masses.reduce(
      (sum, { loss, mass }) => (loss > epsilon ? sum + mass * -Math.expm1(epsilon - loss) : sum),
      0,
    );
  return {
    delta,
    epsilon: (target) => {
      let [low, high] = [0, Math.max(window[1], 1e-3)];
      for (let i = 0; i < 48; i++) {
        const middle = (low + high) / 2;
        if (delta(middle) > target) low = middle;
        else high = middle;
      }
      return high;
    },
  };
}

/** The `times`-fold circular convolution of a distribution with itself, in place. */
function power(real: Float64Array, times: number): void {
  const imaginary = new Float64Array(real.length);
  fourier(real, imaginary);
  for (let i = 0; i < real.length; i++) {
    const size = Math.hypot(real[i]!, imaginary[i]!) ** times;
    const angle = Math.atan2(imaginary[i]!, real[i]!) * times;
    real[i] = size * Math.cos(angle);
    imaginary[i] = -size * Math.sin(angle);
  }
  fourier(real, imaginary);
  for (let i = 0; i < real.length; i++) real[i] = real[i]! / real.length;
}

/** Cooley and Tukey, in place; with the conjugate as input it is the inverse, but for the scale. */
function fourier(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j]!, real[i]!];
      [imaginary[i], imaginary[j]] = [imaginary[j]!, imaginary[i]!];
    }
  }
  const cosines = Float64Array.from({ length: n / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sines = Float64Array.from({ length: n / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / n));
  for (let length = 2; length <= n; length *= 2) {
    const stride = n / length;
    for (let start = 0; start < n; start += length) {
      for (let k = 0; k < length / 2; k++) {
        const [a, b] = [start + k, start + k + length / 2];
        const [c, s] = [cosines[k * stride]!, sines[k * stride]!];
        const x = real[b]! * c - imaginary[b]! * s;
        const y = real[b]! * s + imaginary[b]! * c;
        real[b] = real[a]! - x;
        imaginary[b] = imaginary[a]! - y;
        real[a] = real[a]! + x;
        imaginary[a] = imaginary[a]! + y;
      }
    }
  }
}
