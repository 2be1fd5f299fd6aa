/** From models and times to the rounds behind them. Only rounds whose set was committed to: others have used nobody. */
import { sql } from 'kysely';
import type { Db } from './schema.ts';

export interface CommittedRound {
  rcHash: string;
  scHash: string;
  resultHash: string | null;
}

const COLUMNS = ['rc_hash', 'sc_hash', 'result_hash'] as const;

export async function committedRounds(db: Db, rcHashes: readonly string[]): Promise<CommittedRound[]> {
  const rows = await db
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('sc_hash', 'is not', null)
    .where(sql<boolean>`rc_hash = any(${rcHashes}::text[])`)
    .orderBy('round')
    .execute();
  return rows.map(rowToRound);
}

/** @param from, to milliseconds: sets fixed from ..< to */
export async function roundsOfPeriod(db: Db, from: number, to: number): Promise<CommittedRound[]> {
  const rows = await db
    .selectFrom('rounds')
    .select(COLUMNS)
    .where('sc_hash', 'is not', null)
    .where(sql<boolean>`(state ->> 'fixedAt')::bigint >= ${from} and (state ->> 'fixedAt')::bigint < ${to}`)
    .orderBy(sql`(state ->> 'fixedAt')::bigint`)
    .execute();
  return rows.map(rowToRound);
}

/** The rounds that made a model, one after another, oldest first: none for first weights. Null for a model that is not here. */
export async function roundsOfModel(db: Db, model: string): Promise<CommittedRound[] | null> {
  const { rows } = await sql<{ sc_hash: string | null }>`
    with recursive back (hash, made_by, step) as (
      select hash, made_by, 0 from models where hash = ${model}
      union all
      select m.hash, m.made_by, step + 1
      from back b join rounds r on r.sc_hash = b.made_by
        join statements s on s.hash = r.rc_hash
        join models m on m.hash = s.statement::jsonb #>> '{body,modelHash}'
      where step < 1000000)
    select made_by as sc_hash from back order by step desc`.execute(db);
  if (rows.length === 0) return null;
  const made = rows.flatMap(({ sc_hash }) => (sc_hash === null ? [] : [sc_hash]));
  const found = await db
    .selectFrom('rounds')
    .select(COLUMNS)
    .where(sql<boolean>`sc_hash = any(${made}::text[])`)
    .execute();
  const bySet = new Map(found.map((row) => [row.sc_hash, rowToRound(row)]));
  return made.flatMap((scHash) => bySet.get(scHash) ?? []);
}

/** Twins in the reports of these rounds: what a pack about them would have to hold. */
export async function countMembers(db: Db, rcHashes: readonly string[]): Promise<number> {
  const { members } = await db
    .selectFrom('contributions')
    .select(sql<number>`coalesce(sum(cardinality(subjects)), 0)::bigint`.as('members'))
    .where(sql<boolean>`rc_hash = any(${rcHashes}::text[])`)
    .executeTakeFirstOrThrow();
  return members;
}

function rowToRound(row: {
  rc_hash: string;
  sc_hash: string | null;
  result_hash: string | null;
}): CommittedRound {
  return { rcHash: row.rc_hash, scHash: row.sc_hash as string, resultHash: row.result_hash };
}
