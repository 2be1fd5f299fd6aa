/**
 * Deadlines. They are columns of rows, and whoever comes first leases the row and does what is due, so any number of processes may
 * tick over one database, and one that dies in the middle leaves the row to the next. There is no schedule beside the rows.
 */
import type { TaskSpec } from '@twinkeep/protocol';
import { startLoop, type Loop } from '../loop.ts';
import { deleteExpiredProofs } from '../store/proofs.ts';
import { HELPERS_TOPIC, raiseRevisions, taskTopic } from '../store/revisions.ts';
import { dueRounds, leaseDueRound } from '../store/rounds.ts';
import { dueTasks, leaseDueTask, saveTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';
import { drive } from './drive.ts';
import { proposeRound } from './open.ts';
import { loadRunning } from './running.ts';

/** How late a deadline may be noticed. */
const TICK_MILLIS = 200;
const PURGE_MILLIS = 60_000;

export function startTicker(deps: RoundDeps, onError: (what: string, error: unknown) => void): Loop {
  let purged = 0;
  return startLoop(async () => {
    await tickOnce(deps, onError).catch((error: unknown) => onError('tick', error));
    if (deps.clock() - purged >= PURGE_MILLIS) {
      purged = deps.clock();
      await deleteExpiredProofs(deps.db, purged).catch((error: unknown) => onError('purge', error));
    }
    return TICK_MILLIS;
  });
}

/** One that fails is reported and tried again at the next tick; it holds no other one up. */
export async function tickOnce(
  deps: RoundDeps,
  onError: (what: string, error: unknown) => void,
): Promise<void> {
  const now = deps.clock();
  for (const rcHash of await dueRounds(deps.db, now))
    await tickRound(deps, rcHash).catch((error: unknown) => onError('tick-round', error));
  for (const taskId of await dueTasks(deps.db, now))
    await openDueRound(deps, taskId).catch((error: unknown) => onError('open-round', error));
}

async function tickRound(deps: RoundDeps, rcHash: string): Promise<void> {
  await deps.runTx('tick-round', async (tx) => {
    const round = await leaseDueRound(tx, rcHash, deps.clock());
    if (round !== null) await drive(tx, deps, await loadRunning(tx, deps, round), { kind: 'tick' });
  });
}

async function openDueRound(deps: RoundDeps, taskId: string): Promise<void> {
  await deps.runTx('open-round', async (tx) => {
    const now = deps.clock();
    const task = await leaseDueTask(tx, taskId, now);
    if (task === null) return;
    const { body: spec } = await deps.statements.read<TaskSpec>(tx, task.task_hash, 'task');
    await proposeRound(tx, deps, task, spec, now);
    await saveTask(tx, task);
    if (task.state !== 'waiting') await raiseRevisions(tx, [taskTopic(taskId), HELPERS_TOPIC]);
  });
}
