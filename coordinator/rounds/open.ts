/** Opening a round: a signed and logged configuration, and a row. Without a box key of every helper the task waits. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  signStatement,
  type HelperEpoch,
  type RoundConfig,
  type Statement,
  type TaskSpec,
} from '@twinkeep/protocol';
import { statementName } from '../log/journal.ts';
import { epochsLasting } from '../store/epochs.ts';
import { insertRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import type { StoredTask } from '../store/tasks.ts';
import { configToRules, createRoundConfig } from './config.ts';
import type { RoundDeps } from './deps.ts';
import { openState } from './machine.ts';

/** How long a task waits before it looks again for box keys; a new one wakes it earlier. */
const HELPER_RETRY = 1_000;
const ROTATION_SEED_BYTES = 32;

/**
 * The signed configuration of the task's next round, to be published and then started. Null where a helper has no box key that lasts
 * until the acknowledgements are due; the task then looks again later.
 */
export async function planRound(
  tx: Tx,
  { statements, trust, key, random }: RoundDeps,
  task: StoredTask,
  spec: TaskSpec,
  now: number,
): Promise<Statement<RoundConfig> | null> {
  const epochs = await epochsLasting(tx, now, now + spec.windows.collect + spec.windows.ack);
  const keys: { boxKey: string; e: number }[] = [];
  for (let j = 1; j <= spec.helpers.m; j++) {
    const epoch = epochs.get(j);
    if (epoch === undefined) {
      task.open_at = now + HELPER_RETRY;
      return null;
    }
    const { body } = await statements.read<HelperEpoch>(tx, epoch.hash, 'helper-epoch');
    keys.push({ boxKey: body.boxKey, e: body.e });
  }
  const config = createRoundConfig(spec, trust, {
    taskHash: task.task_hash,
    round: task.rounds_opened + 1,
    kind: task.rounds_trained < spec.rounds ? 'train' : 'evaluate',
    prevResultHash: task.last_result,
    modelHash: task.model_hash,
    clipL2: spec.clipL2,
    rotationSeed: bytesToBase64Url(random(ROTATION_SEED_BYTES)),
    epochs: keys,
    now,
  });
  return signStatement('round-config', config, key);
}

/** After the configuration was published. The caller saves the task. */
export async function startRound(
  tx: Tx,
  task: StoredTask,
  statement: Statement<RoundConfig>,
  now: number,
): Promise<void> {
  const { body: config } = statement;
  await insertRound(tx, {
    rcHash: statementName(statement),
    taskId: task.task_id,
    round: config.round,
    state: openState(configToRules(config), now),
    scHash: null,
    resultHash: null,
  });
  task.rounds_opened = config.round;
  task.state = 'running';
  task.open_at = null;
}
