/** Publishing a task, and a helper's box key. Both are log entries from the first moment. */
import {
  type HelperEpoch,
  helperEpochSchema,
  LOG_MODE_NEEDS_WITNESSES,
  parseTask,
  ProblemError,
  ProtocolError,
  signStatement,
  type Statement,
  statementName,
  type TaskSpec,
  verifyStatement,
} from '@twinkeep/protocol';
import { findEpoch, insertEpoch, newestEpoch } from '../store/epochs.ts';
import { raiseRevisions, taskTopic } from '../store/revisions.ts';
import { findTask, hastenWaitingTasks, insertTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';

/**
 * Signs, logs and stores a task; its first round opens as soon as every helper has a box key. The same task again changes nothing.
 * @returns the task's hash
 * @throws ProblemError 'task/invalid' or 'task/exists'
 */
export async function publishTask(
  deps: RoundDeps,
  input: unknown,
): Promise<{ taskHash: string; isNew: boolean }> {
  const task = checkTask(deps, input);
  const statement = await signStatement('task', task, deps.key);
  const taskHash = statementName(statement);
  return deps.runTx('publish-task', async (tx) => {
    // Held until the end: of two requests with one id, the second sees what the first one stored.
    await deps.journal.lock(tx);
    const before = await findTask(tx, task.taskId);
    if (before !== undefined && before.task_hash !== taskHash) throw new ProblemError('task/exists');
    if (before !== undefined) return { taskHash, isNew: false };
    const now = deps.clock();
    await deps.journal.publish(tx, [statement], now);
    const modelHash = await deps.registry.addInitial(tx, task.taskId, task.model, now);
    await insertTask(tx, {
      task_id: task.taskId,
      task_hash: taskHash,
      state: 'waiting',
      open_at: now,
      model_hash: modelHash,
      optimizer: null,
      rounds_opened: 0,
      rounds_trained: 0,
      evaluated: false,
      clip_l2: task.clipL2,
      ended: null,
      abandoned_in_a_row: 0,
      last_result: null,
      created_at: now,
    });
    await raiseRevisions(tx, [taskTopic(task.taskId)]);
    return { taskHash, isNew: true };
  });
}

/** What the protocol cannot know: which helpers there are. */
function checkTask({ trust }: RoundDeps, input: unknown): TaskSpec {
  try {
    const task = parseTask(input);
    if (task.helpers.m > trust.helpers.length)
      throw new ProblemError('task/invalid', `helpers.m: ${trust.helpers.length} helpers are pinned here`);
    if (task.helpers.mode === 'log' && trust.witnesses === null)
      throw new ProblemError('task/invalid', LOG_MODE_NEEDS_WITNESSES);
    return task;
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProblemError('task/invalid', error.message);
    throw error;
  }
}

/**
 * Takes helper j's box key of a new epoch. The same statement again changes nothing.
 * @throws ProblemError 'helper/epoch' or 'helper/conflict'
 */
export async function publishEpoch(deps: RoundDeps, j: number, input: unknown): Promise<void> {
  const statement = verifyEpoch(deps, j, input);
  const { body } = statement;
  const hash = statementName(statement);
  await deps.runTx('publish-epoch', async (tx) => {
    const now = deps.clock();
    // Tasks before the log's head: the order in which everyone takes these locks.
    await hastenWaitingTasks(tx, now);
    await deps.journal.lock(tx);
    const same = await findEpoch(tx, j, body.e);
    if (same?.hash === hash) return;
    const newest = await newestEpoch(tx, j);
    if (newest !== undefined && newest.e >= body.e)
      throw new ProblemError('helper/conflict', `epoch ${newest.e} is there already`);
    if (body.notAfter <= now) throw new ProblemError('helper/epoch', 'it is over');
    await deps.journal.publish(tx, [statement], now);
    await insertEpoch(tx, { j, e: body.e, hash, not_before: body.notBefore, not_after: body.notAfter });
  });
}

function verifyEpoch({ trust }: RoundDeps, j: number, input: unknown): Statement<HelperEpoch> {
  const helper = trust.helpers.find((candidate) => candidate.j === j);
  if (helper === undefined) throw new ProblemError('auth/forbidden', 'there is no such helper');
  try {
    const statement = verifyStatement(input, 'helper-epoch', helperEpochSchema, helper.key);
    if (statement.body.j !== j) throw new ProblemError('helper/epoch', 'it is of another helper');
    if (statement.body.notBefore >= statement.body.notAfter)
      throw new ProblemError('helper/epoch', 'it ends before it begins');
    return statement;
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProblemError('helper/epoch', error.message);
    throw error;
  }
}
