/**
 * The evaluation block: how a held-out twin says how well the model it downloaded does on it, as integers in a masked sum.
 * One object with a device half (`addEvaluation`) and a coordinator half (`readEvaluation`), so that they cannot drift apart.
 *
 * A held-out twin adds `countStep` to one bin of one of two histograms over the logit (its class), and
 * `lossStep * min(loss, maxLoss) / maxLoss` to the last coordinate. Steps are chosen so that the L2 norm of one twin's block is at
 * most `unit` grid steps; a twin fills this block or the update block, never both, so the two compose in parallel. Helpers' noise, where
 * a task has it, lies on every coordinate: counts are then real numbers, and every figure says how uncertain it is.
 */
import { ProtocolError } from './problem.ts';

export interface EvaluationSpec {
  /** Bins per class, over logits in [-logitRange, logitRange]; outer bins take the rest. */
  bins: number;
  logitRange: number;
  /** Log loss, in nats, above which one twin's loss counts as this. */
  maxLoss: number;
  /** Share of twins that a task holds out. */
  holdout: number;
}

export interface EvaluationBlock {
  /** Grid steps, not yet rounded to integers in the last coordinate. */
  readonly values: Float64Array;
  readonly twins: number;
}

// 0.9^2 + 0.4^2 = 0.97: the block's norm stays within the unit after both steps are rounded down.
const COUNT_SHARE = 0.9;
const LOSS_SHARE = 0.4;

const countStep = (unit: number): number => Math.floor(unit * COUNT_SHARE);
const lossStep = (unit: number): number => Math.floor(unit * LOSS_SHARE);

/** @param logits model outputs of the held-out twins; @param labels 0 or 1, NaN where the label is not known (not counted) */
export function addEvaluation(
  logits: Float32Array,
  labels: Float32Array,
  unit: number,
  spec: EvaluationSpec,
): EvaluationBlock {
  if (logits.length !== labels.length)
    throw new ProtocolError('protocol/layout', 'logits and labels differ in length');
  const values = new Float64Array(2 * spec.bins + 1);
  let twins = 0;
  labels.forEach((label, i) => {
    if (Number.isNaN(label)) return;
    const logit = logits[i] as number;
    if (!Number.isFinite(logit)) throw new ProtocolError('protocol/clip', 'a score is not finite');
    const at = (label === 1 ? spec.bins : 0) + logitBin(logit, spec);
    values[at] = (values[at] as number) + countStep(unit);
    const loss = Math.min(logLoss(logit, label), spec.maxLoss);
    values[2 * spec.bins] = (values[2 * spec.bins] as number) + (lossStep(unit) * loss) / spec.maxLoss;
    twins++;
  });
  return { values, twins };
}

export interface EvaluationFigures {
  /** Held-out twins counted, and those of the positive class; not whole, and perhaps negative, under noise. */
  twins: number;
  positives: number;
  /** Area under the ROC curve, ties within a bin counted half; null where a class is empty. */
  auc: number | null;
  /** One standard deviation of `auc` that the noise makes; 0 without noise. */
  aucError: number;
  /** Mean log loss in nats; null where no twin was held out. */
  logLoss: number | null;
  /** Standard deviation of the noise on each count, in twins. */
  noise: number;
}

/**
 * @param sum the opened evaluation block, signed grid steps
 * @param sigma standard deviation of the noise on each coordinate, in grid steps; 0: the sum is exact
 * @throws ProtocolError where an exact sum is no sum of such blocks
 */
export function readEvaluation(
  sum: Int32Array,
  unit: number,
  spec: EvaluationSpec,
  sigma: number,
): EvaluationFigures {
  if (sum.length !== 2 * spec.bins + 1)
    throw new ProtocolError('protocol/layout', 'the evaluation block has another length');
  const counts = Array.from(sum.subarray(0, 2 * spec.bins), (value) => value / countStep(unit));
  if (sigma === 0 && counts.some((count) => count < 0 || !Number.isInteger(count))) {
    throw new ProtocolError('protocol/layout', 'the evaluation block is not a sum of whole counts');
  }
  const negatives = counts.slice(0, spec.bins);
  const positives = counts.slice(spec.bins);
  const total = (bins: number[]): number => bins.reduce((a, b) => a + b, 0);
  const twins = total(negatives) + total(positives);
  const noise = sigma / countStep(unit);
  const auc = noise === 0 ? histogramAuc(negatives, positives) : noisyAuc(negatives, positives, noise);
  const loss = ((sum[2 * spec.bins] as number) / lossStep(unit)) * spec.maxLoss;
  return {
    twins,
    positives: total(positives),
    auc,
    aucError: auc === null || noise === 0 ? 0 : noise * aucSlope(negatives, positives, auc),
    logLoss: twins <= 3 * noise * Math.sqrt(counts.length) ? null : loss / twins,
    noise,
  };
}

/** Mann-Whitney over bins: P(score of a positive > score of a negative) + half the ties. */
export function histogramAuc(negatives: readonly number[], positives: readonly number[]): number | null {
  let below = 0;
  let wins = 0;
  negatives.forEach((count, bin) => {
    wins += (positives[bin] ?? 0) * (below + count / 2);
    below += count;
  });
  const pairs = below * positives.reduce((a, b) => a + b, 0);
  return pairs === 0 ? null : wins / pairs;
}

/** Null where a class is not told from none: within three standard deviations of its noise. */
function noisyAuc(negatives: readonly number[], positives: readonly number[], noise: number): number | null {
  const floor = 3 * noise * Math.sqrt(negatives.length);
  const size = (bins: readonly number[]): number => bins.reduce((a, b) => a + b, 0);
  return size(negatives) <= floor || size(positives) <= floor
    ? null
    : Math.min(1, Math.max(0, histogramAuc(negatives, positives) as number));
}

/**
 * L2 norm of the derivatives of the AUC by all counts, so that independent noise of deviation s moves it by about s times this (delta method):
 * dA/dp_b = (F_b - A) / P and dA/dn_b = (G_b - A) / N, F_b the share of negatives below bin b and G_b of positives above, ties half.
 */
function aucSlope(negatives: readonly number[], positives: readonly number[], auc: number): number {
  const [n, p] = [negatives.reduce((a, b) => a + b, 0), positives.reduce((a, b) => a + b, 0)];
  let [below, notAbove, square] = [0, 0, 0];
  negatives.forEach((count, bin) => {
    const hits = positives[bin] ?? 0;
    const beaten = (below + count / 2) / n;
    const beating = (p - notAbove - hits / 2) / p;
    square += ((beaten - auc) / p) ** 2 + ((beating - auc) / n) ** 2;
    below += count;
    notAbove += hits;
  });
  return Math.sqrt(square);
}

function logitBin(logit: number, { bins, logitRange }: EvaluationSpec): number {
  const position = Math.floor(((logit + logitRange) / (2 * logitRange)) * bins);
  return Math.min(bins - 1, Math.max(0, position));
}

/** -log of the probability that the model gave to what happened; stable for large logits. */
function logLoss(logit: number, label: number): number {
  const signed = label === 1 ? -logit : logit;
  return signed > 0 ? signed + Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed));
}
