/**
 * What participations cost. A round costs a participant rho = 1 / (2 z^2) in zero-concentrated differential privacy (zCDP), z being the
 * noise of one set of helpers over the sensitivity of one twin's share; costs add up; the sum is stated as (epsilon, delta).
 *
 * The mechanism is the discrete Gaussian, and of its compositions this file claims what zCDP proves (Canonne, Kamath, Steinke 2020,
 * Theorem 4 and Corollary 13). Continuous Gaussian noise would allow the slightly smaller figures of `gaussian.ts`.
 *
 * Every minimum below is over bounds that each hold by themselves, so a search that stops early claims too little privacy, not too much.
 */
import { ProtocolError } from '../problem.ts';
import { minimum } from './search.ts';

/** A statement for one participant, over all its participations. */
export interface PrivacyClaim {
  epsilon: number;
  delta: number;
  /** z: standard deviation of one set's noise over the L2 sensitivity of one twin's share. */
  noiseMultiplier: number;
  participations: number;
}

/** Orders of Rényi differential privacy that this software accounts at: integers, at which subsampling has a closed form. */
export const RDP_ORDERS: readonly number[] = /* @__PURE__ */ Array.from({ length: 255 }, (_, i) => i + 2);

/** Two engines may differ in the last digits of a logarithm; a claim that both must accept or refuse alike is read with this much slack. */
const SLACK = 1e-9;

/** zCDP of one participation. */
export function roundRho(noiseMultiplier: number): number {
  return gaussianRdp(noiseMultiplier, 1);
}

/** Rényi divergence of order `order` for Gaussian noise, continuous or discrete: order / (2 z^2). */
export function gaussianRdp(noiseMultiplier: number, order: number): number {
  return order / (2 * positive(noiseMultiplier, 'noiseMultiplier') ** 2);
}

/** The epsilon that `participations` rounds cost at `delta`, by zCDP. */
export function epsilonFor(claim: Omit<PrivacyClaim, 'epsilon'>): number {
  return zcdpEpsilon(claim.participations * roundRho(claim.noiseMultiplier), claim.delta);
}

/** The delta at which `participations` rounds cost `epsilon`, by zCDP. */
export function deltaFor(claim: Omit<PrivacyClaim, 'delta'>): number {
  return zcdpDelta(claim.participations * roundRho(claim.noiseMultiplier), claim.epsilon);
}

/** Does the noise that a task names give the epsilon that it names? Every party asks this before it takes part. */
export function claimHolds(claim: PrivacyClaim): boolean {
  return epsilonFor(claim) <= claim.epsilon * (1 + SLACK);
}

/** rho-zCDP -> the smallest epsilon at `delta`: min over orders a > 1 of a rho - ln(a delta) / (a - 1) + ln(1 - 1/a). */
export function zcdpEpsilon(rho: number, delta: number): number {
  inUnit(delta, 'delta');
  if (notNegative(rho, 'rho') === 0) return 0;
  return Math.max(
    0,
    overOrders((excess, lnShare) => {
      const order = 1 + excess;
      return order * rho - Math.log(order * delta) / excess + lnShare;
    }),
  );
}

/** rho-zCDP -> the smallest delta at `epsilon`: min over a > 1 of exp((a - 1)(a rho - epsilon)) / (a - 1) * (1 - 1/a)^a. */
export function zcdpDelta(rho: number, epsilon: number): number {
  notNegative(epsilon, 'epsilon');
  if (notNegative(rho, 'rho') === 0) return 0;
  const ln = overOrders(
    (excess, lnShare) => excess * ((1 + excess) * rho - epsilon) - Math.log(excess) + (1 + excess) * lnShare,
  );
  return Math.exp(Math.min(0, ln));
}

/** Both bounds fall and then rise with the order (their logarithm is convex in it); searched over ln(order - 1). */
function overOrders(bound: (excess: number, lnShare: number) => number): number {
  return minimum((u) => bound(Math.exp(u), -Math.log1p(Math.exp(-u))), -20, 30);
}

/**
 * Rényi divergences -> the smallest epsilon at `delta`, and the order that gives it.
 * min over a of rdp(a) + ln(1 - 1/a) - ln(a delta) / (a - 1), Canonne, Kamath, Steinke 2020, Proposition 12.
 */
export function rdpToEpsilon(
  rdp: (order: number) => number,
  delta: number,
  orders: readonly number[] = RDP_ORDERS,
): { epsilon: number; order: number } {
  inUnit(delta, 'delta');
  let best = { epsilon: Infinity, order: Infinity };
  for (const order of orders) {
    const epsilon = rdp(order) + Math.log1p(-1 / order) - Math.log(order * delta) / (order - 1);
    if (epsilon < best.epsilon) best = { epsilon: Math.max(0, epsilon), order };
  }
  return best;
}

function positive(value: number, name: string): number {
  if (!Number.isFinite(value) || value <= 0)
    throw new ProtocolError('protocol/privacy', `${name} is not above 0: ${value}`);
  return value;
}

function notNegative(value: number, name: string): number {
  if (!Number.isFinite(value) || value < 0)
    throw new ProtocolError('protocol/privacy', `${name} is below 0: ${value}`);
  return value;
}

function inUnit(value: number, name: string): void {
  if (!(value > 0 && value < 1))
    throw new ProtocolError('protocol/privacy', `${name} is not between 0 and 1: ${value}`);
}
