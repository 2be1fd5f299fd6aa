/**
 * From rows to the one message that leaves: train, clip, score, quantise, mask. Each stage takes what only the stage before it can
 * make, so that none can be left out.
 */
import { base64UrlToBytes } from '@twinkeep/audit';
import {
  addEvaluation,
  admitClippedSum,
  maskReport,
  ProtocolError,
  quantize,
  rotationSigns,
  taskLayout,
  type ClippedDelta,
  type EvaluationBlock,
  type MaskedReport,
  type MaskPrg,
  type Random,
  type SigningKey,
} from '@twinkeep/protocol';
import type { TrainingSet } from '../features/dataset.ts';
import type { TrainingEngine } from '../train/engine.ts';
import type { CheckedRound } from './check.ts';

export interface ReportDeps {
  engine: TrainingEngine;
  device: { key: SigningKey; credential: string };
  /** From the CSPRNG: masks and rounding draw from it. */
  random: Random;
  prg: MaskPrg;
}

/**
 * @param sets of this round: distinct twins, at least one, whose leave counts until the set of reports is fixed
 * @param weights of the round's model
 */
export async function createReport(
  round: CheckedRound,
  sets: { trainers: TrainingSet; heldOut: TrainingSet },
  weights: Float32Array,
  deps: ReportDeps,
): Promise<MaskedReport> {
  const { task, config, rcHash } = round;
  requireLeave(round, sets.trainers);
  requireLeave(round, sets.heldOut);
  const update = await trainSet(round, sets.trainers, weights, deps.engine);
  const evaluation = await scoreSet(round, sets.heldOut, weights, deps.engine);
  const layout = taskLayout(task);
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), layout.dPadded, deps.prg);
  const { unit, clipStep, qTwin, clipL2 } = config;
  const grid = { layout, unit, clipStep, qTwin, clipL2, signs };
  const quantized = quantize(update, evaluation, grid, deps.random);
  const members = [...sets.trainers.subjects, ...sets.heldOut.subjects];
  return maskReport(quantized, members, { config, rcHash }, deps.device, deps);
}

function requireLeave({ task, config }: CheckedRound, set: TrainingSet): void {
  if (set.taskId !== task.taskId || set.until < config.ackDeadline)
    throw new ProtocolError('protocol/task', 'the twins gave leave for another task or an earlier round');
}

async function trainSet(
  { config }: CheckedRound,
  set: TrainingSet,
  weights: Float32Array,
  engine: TrainingEngine,
): Promise<ClippedDelta | null> {
  if (config.kind === 'evaluate' && set.n > 0)
    throw new ProtocolError('protocol/task', 'an evaluating round takes no update');
  if (set.n === 0) return null;
  const { sum, count, clippedCount } = await engine.clippedSum(weights, set, config.clipL2);
  return admitClippedSum(sum, count, config.clipL2, count - clippedCount);
}

async function scoreSet(
  { task, config }: CheckedRound,
  set: TrainingSet,
  weights: Float32Array,
  engine: TrainingEngine,
): Promise<EvaluationBlock> {
  const logits = set.n === 0 ? new Float32Array() : await engine.scores(weights, set);
  return addEvaluation(logits, set.labels, config.evaluationUnit, task.evaluation);
}
