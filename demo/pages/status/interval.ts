/**
 * How sure an AUC is that was read from secure histograms. The rows themselves are nowhere, so the interval follows from the
 * AUC and the two counts alone: Hanley and McNeil, "The meaning and use of the area under a ROC curve" (Radiology 143, 1982), whose
 * variance assumes exponential scores. Noise of differential privacy adds its own variance. It is taken on the logit scale, so that it stays within 0 and 1.
 */

export interface Interval {
  low: number;
  high: number;
}

/** Standard normal quantile of 97.5 %. */
const Z95 = 1.959964;

/** @param error standard deviation that noise adds. The 95 % interval; null where the counts or the AUC leave none: one class is missing, or every pair is ranked right or wrong. */
export function aucInterval(
  auc: number,
  positives: number,
  negatives: number,
  error: number,
): Interval | null {
  if (positives < 1 || negatives < 1 || !(auc > 0 && auc < 1)) return null;
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  const variance =
    (auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)) /
      (positives * negatives) +
    error * error;
  const logit = Math.log(auc / (1 - auc));
  const reach = (Z95 * Math.sqrt(variance)) / (auc * (1 - auc));
  return { low: sigmoid(logit - reach), high: sigmoid(logit + reach) };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
