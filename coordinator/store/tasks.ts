/** Tasks. A row is locked by whoever opens or ends a round of the task. */
import { CoordinatorError } from '../errors.ts';
import type { Db, NewRow, Row, Tx } from './schema.ts';

export type StoredTask = Row<'tasks'>;

export async function insertTask(tx: Tx, row: NewRow<'tasks'>): Promise<void> {
  await tx.insertInto('tasks').values(row).execute();
}

export function findTask(db: Db, taskId: string): Promise<StoredTask | undefined> {
  return db.selectFrom('tasks').selectAll().where('task_id', '=', taskId).executeTakeFirst();
}

export function listTasks(db: Db): Promise<Pick<StoredTask, 'task_id' | 'task_hash' | 'state'>[]> {
  return db
    .selectFrom('tasks')
    .select(['task_id', 'task_hash', 'state'])
    .orderBy('created_at')
    .limit(1_000)
    .execute();
}

export async function lockTask(tx: Tx, taskId: string): Promise<StoredTask> {
  const row = await tx
    .selectFrom('tasks')
    .selectAll()
    .where('task_id', '=', taskId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new CoordinatorError('store/missing-row', 'a round has no task');
  return row;
}

export async function dueTasks(db: Db, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('tasks')
    .select('task_id')
    .where('state', '=', 'waiting')
    .where('open_at', '<=', now)
    .orderBy('open_at')
    .execute();
  return rows.map(({ task_id }) => task_id);
}

/** Null where another process holds the task, or has opened its round meanwhile. */
export async function leaseDueTask(tx: Tx, taskId: string, now: number): Promise<StoredTask | null> {
  const row = await tx
    .selectFrom('tasks')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('state', '=', 'waiting')
    .where('open_at', '<=', now)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row ?? null;
}

/** All that ever changes of a task. */
export async function saveTask(tx: Tx, task: StoredTask): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      state: task.state,
      ended: task.ended,
      open_at: task.open_at,
      model_hash: task.model_hash,
      optimizer: task.optimizer,
      clip_l2: task.clip_l2,
      rounds_opened: task.rounds_opened,
      rounds_trained: task.rounds_trained,
      evaluated: task.evaluated,
      abandoned_in_a_row: task.abandoned_in_a_row,
      last_result: task.last_result,
    })
    .where('task_id', '=', task.task_id)
    .execute();
}

/** A helper has a new box key: rounds that waited for one can open. */
export async function hastenWaitingTasks(tx: Tx, now: number): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({ open_at: now })
    .where('state', '=', 'waiting')
    .where('open_at', 'is not', null)
    .where('abandoned_in_a_row', '=', 0)
    .execute();
}
