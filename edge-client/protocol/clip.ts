/**
 * Clipping: the bound on what one twin can move. `ClippedDelta` can be made only here, and the quantiser takes nothing else,
 * so an unclipped update does not compile into a report.
 */
import { ProtocolError } from './problem.ts';

declare const clipped: unique symbol;

/** The sum of `twins` updates, each of L2 norm at most `bound`. */
export interface ClippedDelta {
  readonly values: Float64Array;
  readonly twins: number;
  readonly bound: number;
  /** Twins whose update was within the bound before it was clipped; what an adaptive bound goes by. */
  readonly within: number;
  readonly [clipped]: true;
}

/** One twin's update scaled down to L2 norm `bound` where it is longer. @throws ProtocolError where a value is not finite */
export function clipDelta(values: Float64Array, bound: number): ClippedDelta {
  const norm = finiteNorm(values);
  const factor = norm > bound ? bound / norm : 1;
  return brand(
    values.map((value) => value * factor),
    1,
    bound,
    norm > bound ? 0 : 1,
  );
}

/**
 * Takes over a sum that a training engine clipped twin by twin. The engine is our own code on the same machine; what can be
 * checked from the sum alone is checked: its norm is at most twins * bound (triangle inequality), with room for float32.
 */
export function admitClippedSum(
  values: Float64Array,
  twins: number,
  bound: number,
  within: number,
): ClippedDelta {
  if (!Number.isInteger(within) || within < 0 || within > twins)
    throw new ProtocolError('protocol/clip', `${within} of ${twins} twins within the bound`);
  if (finiteNorm(values) > twins * bound * (1 + 1e-4)) {
    throw new ProtocolError(
      'protocol/clip',
      `a sum over ${twins} twins is longer than ${twins} times the clipping bound`,
    );
  }
  return brand(values, twins, bound, within);
}

function finiteNorm(values: Float64Array): number {
  let square = 0;
  for (const value of values) square += value * value;
  if (!Number.isFinite(square))
    throw new ProtocolError('protocol/clip', 'the update holds a value that is not finite');
  return Math.sqrt(square);
}

function brand(values: Float64Array, twins: number, bound: number, within: number): ClippedDelta {
  return { values, twins, bound, within } as ClippedDelta;
}
