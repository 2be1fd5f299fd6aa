/**
 * The Gaussian mechanism exactly: Balle and Wang, "Improving the Gaussian Mechanism for Differential Privacy" (2018), Theorem 8. K
 * participations at noise multiplier z are one at z / sqrt(K). These figures hold for continuous noise. They are what the field quotes
 * and what a task can be compared by; a task's own claim for discrete noise is that of `accounting.ts`, a few per cent above them.
 */
import type { PrivacyClaim } from './accounting.ts';
import { ProtocolError } from '../problem.ts';
import { smallestAtMost } from './search.ts';

const INVERSE_ROOT_TAU = 1 / Math.sqrt(2 * Math.PI);

/**
 * delta(epsilon) = P(N < a) - e^epsilon P(N < b), a = 1/(2s) - epsilon s, b = a - 1/s, s = z / sqrt(K).
 * With phi the normal density e^epsilon phi(b) = phi(a), so both terms are phi(a) times a Mills ratio and no tail is lost.
 */
export function gaussianDelta({
  noiseMultiplier,
  participations,
  epsilon,
}: Omit<PrivacyClaim, 'delta'>): number {
  const s = noiseMultiplier / Math.sqrt(participations);
  if (!(s > 0 && s < Infinity && epsilon >= 0 && epsilon < Infinity))
    throw new ProtocolError('protocol/privacy', `no Gaussian: z = ${noiseMultiplier}, K = ${participations}`);
  const a = 1 / (2 * s) - epsilon * s;
  const density = INVERSE_ROOT_TAU * Math.exp((-a * a) / 2);
  const inside = a <= 0 ? density * millsRatio(-a) : 1 - density * millsRatio(a);
  return Math.max(0, inside - density * millsRatio(1 / s - a));
}

/** The epsilon of continuous Gaussian noise at `delta`. */
export function gaussianEpsilon(claim: Omit<PrivacyClaim, 'epsilon'>): number {
  const delta = checkedDelta(claim);
  if (gaussianDelta({ ...claim, epsilon: 0 }) <= delta) return 0;
  return smallestAtMost((epsilon) => gaussianDelta({ ...claim, epsilon }), delta);
}

/** The least noise multiplier that continuous Gaussian noise needs. */
export function gaussianNoiseMultiplier(claim: Omit<PrivacyClaim, 'noiseMultiplier'>): number {
  const delta = checkedDelta(claim);
  return smallestAtMost((noiseMultiplier) => gaussianDelta({ ...claim, noiseMultiplier }), delta);
}

function checkedDelta({ delta }: { delta: number }): number {
  if (!(delta > 0 && delta < 1))
    throw new ProtocolError('protocol/privacy', `delta is not between 0 and 1: ${delta}`);
  return delta;
}

/** P(N > x) / phi(x) for x >= 0: the series of P(0 < N < x) near 0 (Abramowitz and Stegun 26.2.11), the continued fraction beyond (26.2.14). */
function millsRatio(x: number): number {
  if (x >= 2.5) {
    let tail = x;
    for (let k = Math.ceil(60 + 600 / (x * x)); k > 0; k--) tail = x + k / tail;
    return 1 / tail;
  }
  let term = x;
  let sum = 0;
  for (let k = 3; sum + term > sum; k += 2) {
    sum += term;
    term *= (x * x) / k;
  }
  return Math.exp((x * x) / 2) / (2 * INVERSE_ROOT_TAU) - sum;
}
