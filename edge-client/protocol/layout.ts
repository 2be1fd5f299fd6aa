/** Where things lie in the vector of a report: the rotated update block, the evaluation block, and the clip coordinate if there is one. */
import { paddedLength } from './rotate.ts';

export interface ReportLayout {
  /** Parameters of the model. */
  d: number;
  /** Length of the update block: d padded to a power of two. */
  dPadded: number;
  /** Length of the evaluation block. */
  evaluationLength: number;
  /** 1 where the clipping bound adapts: the last coordinate counts the twins whose update was within it. */
  clipLength: 0 | 1;
  /** Length of the whole vector, in words. */
  total: number;
}

/** Two histograms over logits, one per class, and one coordinate for the sum of losses. */
export function evaluationLength(bins: number): number {
  return 2 * bins + 1;
}

export function reportLayout(d: number, bins: number, clipLength: 0 | 1 = 0): ReportLayout {
  const dPadded = paddedLength(d);
  const length = evaluationLength(bins);
  return { d, dPadded, evaluationLength: length, clipLength, total: dPadded + length + clipLength };
}
