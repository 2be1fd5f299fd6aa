/** Opening the sum of a set and taking the optimiser's step with it. The only place where an unmasked number exists, and it is a sum. */
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import {
  dequantizeUpdate,
  ProtocolError,
  readEvaluation,
  rotationSigns,
  taskLayout,
  webCryptoPrg,
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
import type { OpenedSum, RunningRound } from './running.ts';

/** Bytes of vectors in memory at a time. */
const BATCH_BYTES = 8 * 2 ** 20;

/**
 * @param hashes the sums of masks to subtract, by set index
 * @returns false where the sum is not one that honest reports of so many twins can make
 */
export async function openRoundSum(
  tx: Tx,
  deps: RoundDeps,
  running: RunningRound,
  hashes: readonly string[],
): Promise<boolean> {
  const { round, config, task, set } = running;
  const layout = taskLayout(task);
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (4 * layout.total)));
  const masked = await sumVectors(readVectors(tx, round.rcHash, batch), layout.total, config.b);
  const masks = await readSums(tx, round.rcHash, hashes);
  if (set === null || masked.count !== set.count || masks.length !== hashes.length)
    throw new CoordinatorError(
      'store/missing-row',
      'a fixed set or its sums of masks are not stored in full',
    );
  const steps = openSum(masked.sum, masks, { bits: config.b, bound: set.twins * config.qTwin });
  if (steps === null) return false;
  try {
    running.opened = {
      sumHash: bytesToBase64Url(nativeSha256(new Uint8Array(steps.buffer))),
      evaluation: readEvaluation(
        steps.subarray(layout.dPadded, layout.dPadded + layout.evaluationLength),
        config.evaluationUnit,
        task.evaluation,
        0,
      ),
      step: config.kind === 'train' ? await stepModel(tx, deps, running, steps, set.twins) : null,
    };
    return true;
  } catch (error) {
    // An evaluation block that is no sum of counts, or a step to weights that are not finite.
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

async function stepModel(
  tx: Tx,
  { registry }: RoundDeps,
  { round, config, task, now }: RunningRound,
  steps: Int32Array,
  twins: number,
): Promise<OpenedSum['step']> {
  const stored = await lockTask(tx, round.taskId);
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), config.dPadded, webCryptoPrg);
  const grid = { layout: taskLayout(task), unit: config.unit, clipL2: config.clipL2, signs };
  const gradient = dequantizeUpdate(steps, grid).map((value) => value / twins);
  const weights = await registry.readWeights(tx, config.modelHash, task.model);
  const before = stored.optimizer === null ? null : bytesToMoments(stored.optimizer);
  const next = applyUpdate(task.optimizer, weights, gradient, before, {
    t: stored.rounds_trained,
    of: task.rounds,
  });
  const modelHash = await registry.add(tx, round.taskId, next.weights, round.scHash as string, now);
  return { modelHash, moments: new Uint8Array(next.moments.buffer) };
}

/** Copies, since what comes from a driver need not lie on a boundary of eight bytes. */
function bytesToMoments(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}
