/**
 * The integer grid of a task: how many steps a clipping bound has, how many a count, and how large the noise is in them.
 *
 * Everything here is made of integers, +, *, / and square roots, which IEEE 754 rounds in one way only: coordinator, helpers and twins each
 * compute it from the task and compare.
 *
 * One twin's share of a report, in L2 norm and grid steps (adjacency: zero-out of one twin):
 *   it trains:     B = U + sqrt(dPadded), the clipped update and the slack of rounding once at random, whose thresholds couple;
 *                  with an adaptive bound one more exact coordinate w:  Delta^2 = B^2 + w^2
 *   it is held out: E + 1, exact counts and one rounded coordinate
 * Noise of each helper set: sigma = z Delta. K_t trainings spend rho = K_t / (2 z^2); E is as large as lets K_e evaluations spend no more:
 *   K_e (E + 1)^2 <= K_t Delta^2.
 * Head-room, deterministic: maxTwins * max(U, E) + ... + 12 sigma sqrt(|family|) < 2^(b-1).
 * Source: secagg-dp research, sections 2.3, 3.1 and 3.2; Andrew et al. 2021 for w, since sigma / w = 2 sigma_b.
 */
import { helperFamily } from './family.ts';
import { ProtocolError } from './problem.ts';
import { paddedLength } from './rotate.ts';

/** Bits of a word on the wire and of the modulus. */
export type ModulusBits = 20 | 24 | 32;

export interface GridSpec {
  bits: ModulusBits;
  maxTwins: number;
  dPadded: number;
  /** Null: no noise. */
  noise: NoiseSpec | null;
}

export interface NoiseSpec {
  /** z: the standard deviation of one helper set's noise over the sensitivity of one twin. */
  multiplier: number;
  /** K_t and K_e: most reports of one participant that train, and that evaluate. */
  trainings: number;
  evaluations: number;
  /** sigma_b, in twins: noise of the count behind an adaptive clipping bound; null: the bound stays. */
  clipNoise: number | null;
  helpers: { m: number; c: number };
}

export interface GridPlan {
  /** U: grid steps per clipping bound. */
  unit: number;
  /** E: L2 bound, in grid steps, of what one held-out twin adds. */
  evaluationUnit: number;
  /** w: grid steps by which one twin moves the clip coordinate; 0: there is none. */
  clipStep: number;
  /** Most grid steps of one twin in one coordinate. */
  qTwin: number;
  /** Variance, in grid steps squared, of the noise that each helper set adds to each coordinate; 0: none. An integer. */
  sigmaSquared: number;
  /** Allowance for the noise of all helper sets in one coordinate: 12 standard deviations. */
  noiseBound: number;
}

const LARGEST_UNIT = 2 ** 20;
const SMALLEST_UNIT = 2 ** 4;

/** @throws ProtocolError 'protocol/headroom' where no grid is fine enough */
export function planGrid(spec: GridSpec): GridPlan {
  // Noise swamps what a finer grid would add, and coarser steps are sampled faster: rounding costs 1/64 of the sensitivity there.
  const finest = spec.noise === null ? LARGEST_UNIT : paddedLength(64 * Math.sqrt(spec.dPadded));
  for (let unit = Math.min(finest, LARGEST_UNIT); unit >= SMALLEST_UNIT; unit /= 2) {
    const plan = planWithUnit(unit, spec);
    if (spec.maxTwins * plan.qTwin + plan.noiseBound < 2 ** (spec.bits - 1)) return plan;
  }
  throw new ProtocolError(
    'protocol/headroom',
    `${spec.maxTwins} twins and their noise leave no head-room in ${spec.bits} bits`,
  );
}

function planWithUnit(unit: number, { dPadded, noise }: GridSpec): GridPlan {
  if (noise === null)
    return { unit, evaluationUnit: unit, clipStep: 0, qTwin: unit + 1, sigmaSquared: 0, noiseBound: 0 };
  const { multiplier: z, trainings, evaluations, clipNoise, helpers } = noise;
  const update = unit + Math.sqrt(dPadded);
  const clipStep =
    clipNoise === null
      ? 0
      : Math.max(1, Math.floor((z * update) / Math.sqrt(4 * clipNoise * clipNoise - z * z)));
  const squared = update * update + clipStep * clipStep;
  const evaluationUnit = Math.floor(Math.sqrt((trainings / evaluations) * squared)) - 1;
  const sigmaSquared = Math.ceil(z * z * squared);
  const sets = helperFamily(helpers.m, helpers.c).length;
  return {
    unit,
    evaluationUnit,
    clipStep,
    qTwin: Math.max(unit, evaluationUnit, clipStep) + 1,
    sigmaSquared,
    noiseBound: noiseAllowance(sigmaSquared, sets),
  };
}

/** Allowance for the noise of all helper sets in one coordinate, in grid steps: 12 standard deviations. */
export function noiseAllowance(sigmaSquared: number, sets: number): number {
  return Math.ceil(12 * Math.sqrt(sigmaSquared * sets));
}
