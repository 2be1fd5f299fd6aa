/** The head that readers are shown where the log has witnesses, and what is known of those. */
import { sql } from 'kysely';
import { HELPERS_TOPIC, taskTopic } from './revisions.ts';
import type { Db, Tx } from './schema.ts';

export interface WitnessedHead {
  size: number;
  root: Uint8Array;
  /** As the log signed it. */
  note: string;
  /** Signature lines. */
  cosignatures: string;
}

export function readWitnessedHead(db: Db): Promise<WitnessedHead | undefined> {
  return db.selectFrom('witnessed_heads').selectAll().orderBy('size', 'desc').limit(1).executeTakeFirst();
}

/** Under the lock of `lockWitnessLease`. It is the only row from now on. */
export async function saveWitnessedHead(tx: Tx, head: WitnessedHead): Promise<void> {
  await tx
    .insertInto('witnessed_heads')
    .values(head)
    .onConflict((conflict) => conflict.column('size').doUpdateSet({ cosignatures: head.cosignatures }))
    .execute();
  await tx.deleteFrom('witnessed_heads').where('size', '<>', head.size).execute();
}

/** Topics of long polls to which the statements `from ..< to` are news; all there are, where `from` is null. */
export async function topicsOfStatements(tx: Tx, from: number | null, to: number): Promise<string[]> {
  const { rows } =
    from === null
      ? await sql<{ task_id: string | null }>`select task_id from tasks`.execute(tx)
      : await sql<{ task_id: string | null }>`
          select distinct coalesce(s.body ->> 'taskId', r.task_id) as task_id
          from (select statement::jsonb -> 'body' as body from statements
                where leaf_index >= ${from} and leaf_index < ${to}) s
          left join rounds r on r.rc_hash = s.body ->> 'rcHash'`.execute(tx);
  const topics = rows.flatMap(({ task_id }) => (task_id === null ? [] : [taskTopic(task_id)]));
  return rows.length === 0 ? [] : [HELPERS_TOPIC, ...topics];
}

export interface WitnessProblemRow {
  name: string;
  problem: string;
  since: number;
}

export function readWitnessProblems(db: Db): Promise<WitnessProblemRow[]> {
  return db.selectFrom('witness_problems').selectAll().orderBy('name').execute();
}

/** @param problem null: it cosigned */
export async function saveWitnessProblem(
  db: Db,
  name: string,
  problem: string | null,
  since: number,
): Promise<void> {
  if (problem === null) await db.deleteFrom('witness_problems').where('name', '=', name).execute();
  else
    await db
      .insertInto('witness_problems')
      .values({ name, problem, since })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ problem, since }))
      .execute();
}

/** By the database's clock, so that clocks of processes need not agree. @returns whether `holder` has it now */
export async function takeWitnessLease(db: Db, holder: string, millis: number): Promise<boolean> {
  const { rows } = await sql<{ one: boolean }>`
    update witness_lease
    set holder = ${holder}, until = (extract(epoch from clock_timestamp()) * 1000)::bigint + ${millis}
    where holder = ${holder} or until < (extract(epoch from clock_timestamp()) * 1000)::bigint
    returning one`.execute(db);
  return rows.length > 0;
}

/** Whoever moves the published head holds this row until it has moved. */
export async function lockWitnessLease(tx: Tx): Promise<void> {
  await tx.selectFrom('witness_lease').select('one').forUpdate().execute();
}

export async function releaseWitnessLease(db: Db, holder: string): Promise<void> {
  await db.updateTable('witness_lease').set({ until: 0 }).where('holder', '=', holder).execute();
}
