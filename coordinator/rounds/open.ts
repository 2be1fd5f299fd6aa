/**
 * Proposing a round: a configuration that the coordinator has signed, at the helpers for their signatures. It is in no log yet, and no device
 * sees it. Without a box key of every helper the task waits.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  type HelperEpoch,
  type RoundConfig,
  signStatement,
  type Statement,
  statementName,
  type TaskSpec,
} from '@twinkeep/protocol';
import { epochsLasting } from '../store/epochs.ts';
import { insertRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import type { StoredTask } from '../store/tasks.ts';
import { configToRules, createRoundConfig } from './config.ts';
import type { RoundDeps } from './deps.ts';
import { proposedState } from './machine.ts';
import { nextOf } from './next.ts';

/** How long a task waits before it looks again for box keys; a new one wakes it earlier. */
const HELPER_RETRY = 1_000;
const ROTATION_SEED_BYTES = 32;

/**
 * Proposes the task's next round, or ends the task; where a helper has no box key that lasts until the acknowledgements are due, the task
 * looks again later. The caller saves the task.
 */
export async function proposeRound(
  tx: Tx,
  deps: RoundDeps,
  task: StoredTask,
  spec: TaskSpec,
  now: number,
): Promise<void> {
  const next = await nextOf(tx, task, spec);
  if ('ended' in next) {
    task.state = 'finished';
    task.ended = next.ended;
    task.open_at = null;
    return;
  }
  const epochs = await boxKeys(tx, deps, spec, now);
  if (epochs === null) {
    task.open_at = now + HELPER_RETRY;
    return;
  }
  const config = createRoundConfig(spec, deps.trust, {
    taskHash: task.task_hash,
    round: task.rounds_opened + 1,
    kind: next.kind,
    prevResultHash: task.last_result,
    modelHash: task.model_hash,
    clipL2: task.clip_l2,
    rotationSeed: bytesToBase64Url(deps.random(ROTATION_SEED_BYTES)),
    epochs,
    now,
  });
  const proposal: Statement<RoundConfig> = await signStatement('round-config', config, deps.key);
  await insertRound(tx, {
    rcHash: statementName(proposal),
    taskId: task.task_id,
    round: config.round,
    kind: config.kind,
    proposal,
    state: proposedState(configToRules(config), now),
    scHash: null,
    resultHash: null,
  });
  task.rounds_opened = config.round;
  task.state = 'running';
  task.open_at = null;
}

/** One for each helper of the task, in order; null where one is missing. */
async function boxKeys(
  tx: Tx,
  { statements }: RoundDeps,
  { windows, helpers }: TaskSpec,
  now: number,
): Promise<{ boxKey: string; e: number }[] | null> {
  const epochs = await epochsLasting(tx, now, now + windows.collect + windows.ack);
  const keys: { boxKey: string; e: number }[] = [];
  for (let j = 1; j <= helpers.m; j++) {
    const epoch = epochs.get(j);
    if (epoch === undefined) return null;
    const { body } = await statements.read<HelperEpoch>(tx, epoch.hash, 'helper-epoch');
    keys.push({ boxKey: body.boxKey, e: body.e });
  }
  return keys;
}
