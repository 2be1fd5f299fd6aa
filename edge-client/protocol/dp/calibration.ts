/** For whoever publishes a task: how much noise, or how many participations, an (epsilon, delta) allows. Devices do not load this. */
import { epsilonFor, roundRho, type PrivacyClaim, zcdpEpsilon } from './accounting.ts';
import { ProtocolError } from '../problem.ts';
import { smallestAtMost } from './search.ts';

/** Noise multipliers are published with this many digits after the point. */
const DIGITS = 1e6;

/** More noise than this is no use to anybody, and could not be counted in steps of the last digit. */
const LARGEST = 1e9;

/**
 * The least noise multiplier, rounded up to six digits after the point, at which `epsilonFor` gives at most `epsilon`.
 * @throws ProtocolError 'protocol/privacy' where there is none
 */
export function noiseMultiplierFor(claim: Omit<PrivacyClaim, 'noiseMultiplier'>): number {
  const holds = (noiseMultiplier: number): boolean =>
    epsilonFor({ ...claim, noiseMultiplier }) <= claim.epsilon;
  const least = smallestAtMost((noiseMultiplier) => epsilonFor({ ...claim, noiseMultiplier }), claim.epsilon);
  if (!(claim.epsilon > 0 && claim.participations >= 1 && least < LARGEST))
    throw new ProtocolError(
      'protocol/privacy',
      `no noise gives epsilon ${claim.epsilon} for ${claim.participations} participations`,
    );
  let steps = Math.ceil(least * DIGITS);
  while (!holds(steps / DIGITS)) steps++;
  return steps / DIGITS;
}

/** The most participations that `epsilon` and `delta` allow at a given noise; 0 where they do not allow one. */
export function participationsFor(claim: Omit<PrivacyClaim, 'participations'>): number {
  const rho = roundRho(claim.noiseMultiplier);
  const fits = (participations: number): boolean =>
    zcdpEpsilon(participations * rho, claim.delta) <= claim.epsilon;
  let bound = 1;
  while (fits(bound)) bound *= 2;
  let [yes, no] = [0, bound];
  while (no - yes > 1) {
    const middle = Math.floor((yes + no) / 2);
    if (fits(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}
