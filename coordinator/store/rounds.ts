/** Rounds: the machine's state, and the lock under which it steps. */
import type { RoundConfig, Statement } from '@twinkeep/protocol';
import { canonicalJson } from '@twinkeep/audit';
import { sql } from 'kysely';
import type { RoundState } from '../rounds/machine.ts';
import type { Db, Row, Tx } from './schema.ts';

export interface StoredRound {
  rcHash: string;
  taskId: string;
  round: number;
  kind: RoundConfig['kind'];
  /** Until it is in the log. */
  proposal: Statement<RoundConfig> | null;
  state: RoundState;
  scHash: string | null;
  resultHash: string | null;
}

const COLUMNS = [
  'rc_hash',
  'task_id',
  'round',
  'kind',
  'proposal',
  'state',
  'sc_hash',
  'result_hash',
] as const;
const OPEN = ['proposed', 'collecting', 'acking', 'revealing'] as const;

export async function insertRound(tx: Tx, round: StoredRound): Promise<void> {
  await tx
    .insertInto('rounds')
    .values({
      rc_hash: round.rcHash,
      task_id: round.taskId,
      round: round.round,
      kind: round.kind,
      proposal: round.proposal === null ? null : canonicalJson(round.proposal),
      state: JSON.stringify(round.state),
    })
    .execute();
}

export async function saveRound(tx: Tx, round: StoredRound): Promise<void> {
  await tx
    .updateTable('rounds')
    .set({
      proposal: round.proposal === null ? null : canonicalJson(round.proposal),
      state: JSON.stringify(round.state),
      sc_hash: round.scHash,
      result_hash: round.resultHash,
    })
    .where('rc_hash', '=', round.rcHash)
    .execute();
}

/** Waits for whoever is stepping the round. Null where there is no such round. */
export async function lockRound(tx: Tx, rcHash: string): Promise<StoredRound | null> {
  const row = await tx
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('rc_hash', '=', rcHash)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? null : rowToRound(row);
}

export async function findRound(db: Db, rcHash: string): Promise<StoredRound | null> {
  const row = await db.selectFrom('rounds').select(COLUMNS).where('rc_hash', '=', rcHash).executeTakeFirst();
  return row === undefined ? null : rowToRound(row);
}

export async function dueRounds(db: Db, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('rounds')
    .select('rc_hash')
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .execute();
  return rows.map(({ rc_hash }) => rc_hash);
}

/** Null where another process holds the round or was faster: whoever holds it looks at its deadline too. */
export async function leaseDueRound(tx: Tx, rcHash: string, now: number): Promise<StoredRound | null> {
  const row = await tx
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('rc_hash', '=', rcHash)
    .where('due_at', '<=', now)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row === undefined ? null : rowToRound(row);
}

/** Of one task, or of all; oldest first, so that of more than an answer holds, those already worked on stay in it. */
export async function openRounds(db: Db, taskId?: string): Promise<StoredRound[]> {
  let query = db
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('phase', 'in', OPEN)
    .orderBy(sql`(state ->> 'openedAt')::bigint`)
    .orderBy('rc_hash');
  if (taskId !== undefined) query = query.where('task_id', '=', taskId);
  return (await query.execute()).map(rowToRound);
}

/** Abandoned rounds that nothing has come after yet: their helpers may close them. */
export async function roundsToClose(db: Db): Promise<StoredRound[]> {
  const rows = await db
    .selectFrom('rounds as r')
    .innerJoin('tasks as t', 't.last_result', 'r.result_hash')
    .select(COLUMNS.map((column) => `r.${column}` as const))
    .where('t.state', '=', 'waiting')
    .where('r.phase', '=', 'abandoned')
    .orderBy('r.rc_hash')
    .execute();
  return rows.map(rowToRound);
}

/** Rounds after number `after` that have ended, oldest first. */
export async function endedRounds(
  db: Db,
  taskId: string,
  after: number,
  limit: number,
): Promise<StoredRound[]> {
  const rows = await db
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('task_id', '=', taskId)
    .where('round', '>', after)
    .where('phase', 'not in', OPEN)
    .orderBy('round')
    .limit(limit)
    .execute();
  return rows.map(rowToRound);
}

/** Hashes of the results of a task, newest first. */
export async function newestResults(db: Db, taskId: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('rounds')
    .select('result_hash')
    .where('task_id', '=', taskId)
    .where('result_hash', 'is not', null)
    .orderBy('round', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ result_hash }) => result_hash as string);
}

function rowToRound(row: Pick<Row<'rounds'>, (typeof COLUMNS)[number]>): StoredRound {
  return {
    rcHash: row.rc_hash,
    taskId: row.task_id,
    round: row.round,
    kind: row.kind,
    proposal: row.proposal === null ? null : (JSON.parse(row.proposal) as Statement<RoundConfig>),
    // jsonb comes back parsed; only this file writes it.
    state: row.state as unknown as RoundState,
    scHash: row.sc_hash,
    resultHash: row.result_hash,
  };
}
