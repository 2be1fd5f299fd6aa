/**
 * exp(-x) for exact sampling, in two halves that agree by construction.
 *
 * The fast half, `expNegative`, is a double made by + and * alone from a table of rounded constants. IEEE 754 fixes both operations to
 * the last bit, `Math.exp` is fixed by nothing. Its error is below EXP_ERROR, and nothing depends on its digits beyond that.
 * The exact half, `isBelowExp`, decides "is this uniform real below exp(-num/den)?" with integers, drawing as many more digits of the
 * uniform as the decision takes. A sampler uses the first where it is clear and the second where it is not, so that its outcome is a
 * function of its random digits only.
 */

/** Bound on |expNegative(x) - exp(-x)| for 0 <= x < EXP_RANGE, a few thousand times the sum of the roundings (see below). */
export const EXP_ERROR: number = 2 ** -40;

/** exp(-23) * 2^32 < 1: beyond this a 32-bit uniform is above exp(-x) unless it is 0. */
export const EXP_RANGE = 23;

const STEPS = 64;
/** The exact half works with this many bits more than it was asked for, and takes its result to be within MARGIN of their units. */
const GUARD = 64n;
const MARGIN = 1n << 40n;

let table: Float64Array | null = null;

/**
 * exp(-x) = T[n] * exp(-r) with n = floor(64 x) and r < 1/64, both exact. The series is cut after r^5: at most 2^-45 is missing, each
 * of its operations adds at most 2^-53, and T is rounded to 2^-53.
 * @param x at least 0, below EXP_RANGE
 */
export function expNegative(x: number): number {
  table ??= expTable();
  const n = Math.floor(x * STEPS);
  const r = x - n / STEPS;
  const series = 1 - r * (1 - r * (1 / 2 - r * (1 / 6 - r * (1 / 24 - r / 120))));
  return (table[n] as number) * series;
}

/** exp(-n/64) for every n in range. Truncation costs one unit of 2^-192 per product, so every entry is right to 2^-176 before it is rounded. */
function expTable(): Float64Array {
  const bits = 192n;
  const [step] = expBounds(1n, BigInt(STEPS), bits);
  const out = new Float64Array(EXP_RANGE * STEPS + 1);
  let value = 1n << bits;
  for (let n = 0; n < out.length; n++) {
    out[n] = Number(value) / 2 ** Number(bits);
    value = (value * step) >> bits;
  }
  return out;
}

/** A real number, uniform in [0, 1), of which the first 32 bits are drawn and the rest will be when somebody asks. */
export interface UniformReal {
  digits: bigint;
  bits: bigint;
  readonly next: () => number;
}

/** @param next 32 random bits, as often as asked; it may throw where there are none left */
export function uniformReal(first: number, next: () => number): UniformReal {
  return { digits: BigInt(first), bits: 32n, next };
}

/** Is x < exp(-num/den)? Exact; asks x for more digits until it is clear, which one word more leaves open once in 2^32 times. */
export function isBelowExp(x: UniformReal, num: bigint, den: bigint): boolean {
  for (;;) {
    const [low, high] = expBounds(num, den, x.bits);
    if (x.digits + 1n <= low) return true;
    if (x.digits >= high) return false;
    x.digits = (x.digits << 32n) | BigInt(x.next());
    x.bits += 32n;
  }
}

/**
 * Integers low <= exp(-num/den) * 2^bits <= high that differ by at most 2, for num >= 0, den > 0.
 *
 * exp(-x) = exp(-x / 2^k)^(2^k) with x / 2^k <= 1. Working with p = bits + GUARD bits: the alternating series has fewer than p terms,
 * each short of its value by less than 2 units, and its rest is below the last term; each squaring at most doubles the error and adds 1.
 * 2^k is below 2 bits, so the whole error is below 8 p^2 units: far below MARGIN for every p that anybody has the time for.
 */
export function expBounds(num: bigint, den: bigint, bits: bigint): [low: bigint, high: bigint] {
  // exp(-x) < 2^-bits where x > bits * ln 2.
  if (num * 10n > den * bits * 7n) return [0n, 1n];
  const p = bits + GUARD;
  let halvings = 0n;
  while (num > den << halvings) halvings++;
  const r = (num << p) / (den << halvings);
  let term = 1n << p;
  let sum = term;
  for (let k = 1n; term > 0n; k++) {
    term = (term * r) / (k << p);
    sum += k & 1n ? -term : term;
  }
  for (let i = 0n; i < halvings; i++) sum = (sum * sum) >> p;
  return [sum < MARGIN ? 0n : (sum - MARGIN) >> GUARD, ((sum + MARGIN) >> GUARD) + 1n];
}
