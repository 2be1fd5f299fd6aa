/**
 * What long polls wait for. A revision is raised in the transaction that changes something, so whoever reads a revision reads state that is
 * at least as new. The notification that goes with it carries nothing: a lost one costs a poll interval.
 */
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';

export const WAKE_CHANNEL = 'twinkeep_wake';

/** All helpers share one: what changes for one mostly changes for all. */
export const HELPERS_TOPIC = 'helpers';

export function taskTopic(taskId: string): string {
  return `task:${taskId}`;
}

/** Rows are locked in the order of topics, so that two transactions that raise the same ones do not wait for each other. */
export async function raiseRevisions(tx: Tx, topics: Iterable<string>): Promise<void> {
  const sorted = [...new Set(topics)].sort();
  if (sorted.length === 0) return;
  await sql`with raised as (
      insert into revisions (topic, rev) select topic, 1 from unnest(${sorted}::text[]) as given (topic)
      on conflict (topic) do update set rev = revisions.rev + 1 returning 1)
    select pg_notify(${WAKE_CHANNEL}, '') from raised limit 1`.execute(tx);
}

/** 0 for a topic that nothing has happened to. */
export async function readRevisions(db: Db, topics: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.selectFrom('revisions').selectAll().where('topic', 'in', topics).execute();
  const found = new Map(rows.map(({ topic, rev }) => [topic, rev]));
  return new Map(topics.map((topic) => [topic, found.get(topic) ?? 0]));
}
