/**
 * The privacy ledger: one row for each report in each set, written in the transaction that fixes the set. So it is charged before any helper
 * can answer, once however often a process dies, and taken back only where the helpers have shown that nothing was opened.
 */
import type { RoundConfig } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';

type Kind = RoundConfig['kind'];

/** Charges everyone whose report is in the set of the round. */
export async function chargeSet(tx: Tx, taskId: string, kind: Kind, rcHash: string): Promise<void> {
  await sql`insert into participations (task_id, kind, sub, rc_hash)
    select ${taskId}, ${kind}, sub, rc_hash from reports
    where rc_hash = ${rcHash} and disposition = 'in-set'`.execute(tx);
}

/** Helpers have closed the round: nobody has learnt anything of it, nor will. */
export async function releaseSet(tx: Tx, rcHash: string): Promise<void> {
  await tx.deleteFrom('participations').where('rc_hash', '=', rcHash).execute();
}

export async function countParticipations(db: Db, taskId: string, kind: Kind, sub: string): Promise<number> {
  const { count } = await db
    .selectFrom('participations')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('task_id', '=', taskId)
    .where('kind', '=', kind)
    .where('sub', '=', sub)
    .executeTakeFirstOrThrow();
  return count;
}

export interface LedgerTotals {
  /** Participants with fewer participations than the cap, and with as many. */
  left: number;
  spent: number;
  /** Participants whose first participation is in this round. */
  fresh: number;
}

export async function readTotals(
  db: Db,
  taskId: string,
  kind: Kind,
  { cap, rcHash }: { cap: number; rcHash: string },
): Promise<LedgerTotals> {
  const { rows } = await sql<LedgerTotals>`
    select count(*) filter (where n < ${cap}) as left, count(*) filter (where n >= ${cap}) as spent,
      count(*) filter (where n = 1 and here) as fresh
    from (select count(*) as n, bool_or(rc_hash = ${rcHash}) as here
      from participations where task_id = ${taskId} and kind = ${kind} group by sub) as each`.execute(db);
  return rows[0] as LedgerTotals;
}

/** How many participants have how many participations, rising; of more than a thousand rows, those with most. */
export async function readCounts(
  db: Db,
  taskId: string,
  kind: Kind,
): Promise<{ participations: number; participants: number }[]> {
  const { rows } = await sql<{ participations: number; participants: number }>`
    select n as participations, count(*) as participants
    from (select count(*) as n from participations
      where task_id = ${taskId} and kind = ${kind} group by sub) as each
    group by n order by n desc limit 1000`.execute(db);
  return rows.reverse();
}

/** The last ended round of this kind and what ended it. */
export async function lastOfKind(
  db: Db,
  taskId: string,
  kind: Kind,
): Promise<{ rcHash: string; reason: string | null } | undefined> {
  const { rows } = await sql<{ rcHash: string; reason: string | null }>`
    select rc_hash as "rcHash", state ->> 'reason' as reason from rounds
    where task_id = ${taskId} and kind = ${kind} and result_hash is not null
    order by round desc limit 1`.execute(db);
  return rows[0];
}
