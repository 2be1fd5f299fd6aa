/** Where things lie in the vector of a report: the rotated update block, then the evaluation block. */
import { paddedLength } from './rotate.ts';
import { ProtocolError } from './problem.ts';

export interface ReportLayout {
  /** Parameters of the model. */
  d: number;
  /** Length of the update block: d padded to a power of two. */
  dPadded: number;
  /** Length of the evaluation block. */
  evaluationLength: number;
  /** Length of the whole vector, in 32-bit words. */
  total: number;
}

/** Two histograms over logits, one per class, and one coordinate for the sum of losses. */
export function evaluationLength(bins: number): number {
  return 2 * bins + 1;
}

export function reportLayout(d: number, bins: number): ReportLayout {
  const dPadded = paddedLength(d);
  const length = evaluationLength(bins);
  return { d, dPadded, evaluationLength: length, total: dPadded + length };
}

/**
 * The fixed-point unit: the largest power of two U, at most 2^20, so that `maxTwins` twins, each of at most U + 1 grid
 * steps per coordinate, plus `noise` steps, stay below 2^31. One clipping bound is U grid steps.
 * Deterministic head-room rule, secagg-dp research section 2.3: n * Qmax + noise < 2^(b-1).
 */
export function gridUnit(maxTwins: number, noise: number = 0): number {
  for (let unit = 2 ** 20; unit >= 2 ** 4; unit /= 2) {
    if (maxTwins * (unit + 1) + noise < 2 ** 31) return unit;
  }
  throw new ProtocolError('protocol/headroom', `${maxTwins} twins leave no head-room in 32 bits`);
}
