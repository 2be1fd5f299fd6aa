/** Opening the sum of a set and taking the optimiser's step with it. The only place where an unmasked number exists, and it is a sum. */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  dequantizeUpdate,
  nextClip,
  noiseAllowance,
  ProtocolError,
  publishCounts,
  readEvaluation,
  rotationSigns,
  shareWithin,
  taskLayout,
  webCryptoPrg,
  type EvaluationFigures,
} from '@twinkeep/protocol';
import { applyUpdate } from '../aggregate/apply.ts';
import { sumVectors } from '../aggregate/sum.ts';
import { openSum } from '../aggregate/unmask.ts';
import { CoordinatorError } from '../errors.ts';
import { nativeSha256 } from '../log/journal.ts';
import { readSums } from '../store/helper-answers.ts';
import { readVectors } from '../store/reports.ts';
import type { Tx } from '../store/schema.ts';
import { lockTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';
import type { RoundInput } from './machine.ts';
import type { OpenedSum, RunningRound, SetTotals } from './running.ts';

/** Bytes of vectors in memory at a time. */
const BATCH_BYTES = 8 * 2 ** 20;
/** What a configuration can say. */
const SMALLEST_CLIP = 1e-6;
const LARGEST_CLIP = 1e6;

/**
 * Opens the set with the one of the candidates that makes a sum, and steps the model with it. Where two do, nobody can say which is true.
 * @param candidates sums of masks to subtract, by set index
 */
export async function openRoundSum(
  tx: Tx,
  deps: RoundDeps,
  running: RunningRound,
  candidates: readonly (readonly string[])[],
): Promise<RoundInput> {
  const opened: { hashes: readonly string[]; sum: ReadSum }[] = [];
  const masked = await readMasked(tx, running);
  for (const hashes of candidates) {
    const sum = await openWith(tx, running, masked, hashes);
    if (sum !== null) opened.push({ hashes, sum });
  }
  const [only] = opened;
  if (only === undefined) return { kind: 'sum-refused', reason: 'sum-out-of-range' };
  if (opened.length > 1) return { kind: 'sum-refused', reason: 'sums-disagree' };
  const { steps, evaluation } = only.sum;
  try {
    const trains = running.config.kind === 'train';
    running.opened = {
      sumHash: bytesToBase64Url(nativeSha256(new Uint8Array(steps.buffer))),
      evaluation,
      clip: trains ? nextBound(steps, running) : null,
      step: trains ? await stepModel(tx, deps, running, steps) : null,
    };
  } catch (error) {
    // A step to weights that are not finite.
    if (error instanceof ProtocolError) return { kind: 'sum-refused', reason: 'sum-out-of-range' };
    throw error;
  }
  return { kind: 'sum-opened', hashes: only.hashes };
}

interface ReadSum {
  steps: Int32Array<ArrayBuffer>;
  evaluation: EvaluationFigures | null;
}

async function readMasked(tx: Tx, { round, config, task, set }: RunningRound): Promise<Uint32Array> {
  const { total } = taskLayout(task);
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (4 * total)));
  const { sum, count } = await sumVectors(readVectors(tx, round.rcHash, batch), total, config.b);
  if (set === null || count !== set.count) throw incomplete('a fixed set');
  return sum;
}

/** Null where it is not a sum that honest reports of so many twins, and the noise, can make. */
async function openWith(
  tx: Tx,
  { round, config, task, set }: RunningRound,
  masked: Uint32Array,
  hashes: readonly string[],
): Promise<ReadSum | null> {
  const masks = await readSums(tx, round.rcHash, hashes);
  if (set === null || masks.length !== hashes.length) throw incomplete('sums of masks');
  const sigmaSquared = config.dp.mech === 'none' ? 0 : config.dp.sigmaSquared;
  const bound = set.twins * config.qTwin + noiseAllowance(sigmaSquared, hashes.length);
  const steps = openSum(masked, masks, { bits: config.b, bound });
  if (steps === null) return null;
  // Under noise a training round has no held-out twins, and its evaluation block is noise only.
  if (sigmaSquared > 0 && config.kind === 'train') return { steps, evaluation: null };
  const { dPadded, evaluationLength } = taskLayout(task);
  const block = steps.subarray(dPadded, dPadded + evaluationLength);
  const sigma = Math.sqrt(sigmaSquared * hashes.length);
  try {
    return { steps, evaluation: readEvaluation(block, config.evaluationUnit, task.evaluation, sigma) };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** Where the bound adapts: how many were within it, by the last coordinate, and where it goes from there. */
function nextBound(steps: Int32Array, { config, task, set }: RunningRound): OpenedSum['clip'] {
  if (config.clipLength === 0 || task.privacy.mech === 'none' || task.privacy.adaptiveClip === null)
    return null;
  const within = shareWithin(steps.at(-1) as number, (set as SetTotals).twins, config.clipStep);
  const next = nextClip(config.clipL2, within, task.privacy.adaptiveClip);
  // Twelve digits, so that the bound is the same number in every writing of it.
  return { within, next: Number(Math.min(LARGEST_CLIP, Math.max(SMALLEST_CLIP, next)).toPrecision(12)) };
}

async function stepModel(
  tx: Tx,
  { registry }: RoundDeps,
  { round, config, task, set, now }: RunningRound,
  steps: Int32Array,
): Promise<OpenedSum['step']> {
  const stored = await lockTask(tx, round.taskId);
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), config.dPadded, webCryptoPrg);
  const grid = { layout: taskLayout(task), unit: config.unit, clipL2: config.clipL2, signs };
  const sum = dequantizeUpdate(steps, grid);
  const weights = await registry.readWeights(tx, config.modelHash, task.model);
  const add = (next: Float32Array): Promise<string> =>
    registry.add(tx, round.taskId, next, round.scHash as string, now);
  if (task.optimizer.kind === 'publish')
    return { modelHash: await add(publishCounts(task, weights, sum)), moments: new Uint8Array() };
  const gradient = sum.map((value) => value / (set as SetTotals).twins);
  const before = stored.optimizer === null ? null : bytesToMoments(stored.optimizer);
  const next = applyUpdate(task.optimizer, weights, gradient, before, {
    t: stored.rounds_trained,
    of: task.rounds,
  });
  return { modelHash: await add(next.weights), moments: new Uint8Array(next.moments.buffer) };
}

function incomplete(what: string): CoordinatorError {
  return new CoordinatorError('store/missing-row', `${what} is not stored in full`);
}

/** Copies, since what comes from a driver need not lie on a boundary of eight bytes. */
function bytesToMoments(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}
