/**
 * From a clipped sum to integers on the round's grid: rotate, scale, round once, unconditionally and at random.
 *
 * Rounding is stochastic (floor(x + u), u uniform from the CSPRNG), so the expected error is 0. By coupling the thresholds u, one
 * twin moves the result by at most clipL2 * scale + sqrt(d) in L2: that bound holds for a node's sum as well as for one twin.
 * Source: design/secure-aggregation ("Sensitivity of a node's report"), secagg-dp research section 2.3.
 */
import type { ClippedDelta } from './clip.ts';
import type { EvaluationBlock } from './evaluation.ts';
import type { ReportLayout } from './layout.ts';
import { ProtocolError } from './problem.ts';
import { rotate, unrotate } from './rotate.ts';
import type { Random } from './random.ts';

declare const quantized: unique symbol;

/** Signed grid steps: update block, evaluation block, clip coordinate. */
export interface QuantizedDelta {
  readonly values: Int32Array;
  readonly twins: number;
  readonly [quantized]: true;
}

export interface Grid {
  layout: ReportLayout;
  /** Grid steps per clipping bound. */
  unit: number;
  /** Grid steps of one twin in the clip coordinate; see `planGrid`. */
  clipStep: number;
  /** Most grid steps of one twin in one coordinate. */
  qTwin: number;
  clipL2: number;
  signs: Int8Array;
}

/**
 * @param update null where no twin of this report trains (all are held out, or the round only evaluates)
 * @throws ProtocolError 'protocol/headroom' where a coordinate is beyond twins * qTwin
 */
export function quantize(
  update: ClippedDelta | null,
  evaluation: EvaluationBlock,
  grid: Grid,
  random: Random,
): QuantizedDelta {
  const { layout, unit, clipStep, clipL2, signs } = grid;
  if (evaluation.values.length !== layout.evaluationLength)
    throw new ProtocolError('protocol/layout', 'wrong evaluation block');
  if (update !== null && (update.values.length !== layout.d || update.bound !== clipL2)) {
    throw new ProtocolError('protocol/layout', 'the update was made for another model or clipping bound');
  }
  const steps = new Float64Array(layout.total);
  if (update !== null) {
    const rotated = rotate(update.values, signs);
    for (let i = 0; i < rotated.length; i++) steps[i] = ((rotated[i] as number) / clipL2) * unit;
  }
  steps.set(evaluation.values, layout.dPadded);
  // Of each training twin +w where its update was within the bound, -w where it was clipped: the bit of Andrew et al. 2021, less 1/2.
  if (layout.clipLength === 1 && update !== null)
    steps[layout.total - 1] = clipStep * (2 * update.within - update.twins);
  const twins = (update?.twins ?? 0) + evaluation.twins;
  return { values: roundAtRandom(steps, twins * grid.qTwin, random), twins } as QuantizedDelta;
}

/** The coordinator's half: an opened sum of update blocks -> sum of updates, length d. */
export function dequantizeUpdate(sum: Int32Array, grid: Omit<Grid, 'clipStep' | 'qTwin'>): Float64Array {
  const { layout, unit, clipL2, signs } = grid;
  const rotated = new Float64Array(layout.dPadded);
  for (let i = 0; i < rotated.length; i++) rotated[i] = ((sum[i] as number) / unit) * clipL2;
  return unrotate(rotated, signs).subarray(0, layout.d);
}

function roundAtRandom(steps: Float64Array, limit: number, random: Random): Int32Array {
  const bytes = random(steps.length * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Int32Array(steps.length);
  for (let i = 0; i < out.length; i++) {
    const rounded = Math.floor((steps[i] as number) + view.getUint32(i * 4, true) / 2 ** 32);
    // Not reachable from a clipped sum; an overflow here would be silent in the masked sum, so it stops the report instead.
    if (!(Math.abs(rounded) <= limit))
      throw new ProtocolError('protocol/headroom', `coordinate ${i} leaves the head-room`);
    out[i] = rounded;
  }
  return out;
}
