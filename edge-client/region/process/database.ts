/** A party's own PostgreSQL database: connections, and its schema brought up to date at start. */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';

export type Database<Tables> = Kysely<Tables>;
/** Either a database or a transaction in it. */
export type Connection<Tables> = Kysely<Tables> | Transaction<Tables>;

/** @param connections most that are open at once; ten processes share a small server */
export function openDatabase<Tables>(url: string, connections: number = 4): Database<Tables> {
  const pool = new pg.Pool({ connectionString: url, max: connections, application_name: 'twinkeep' });
  // A connection that the server closes while it is idle is replaced at the next query, which reports what is wrong.
  pool.on('error', () => {});
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Steps are applied once, in order, each whole or not at all; a new version of the software adds steps at the end. */
export async function migrate<Tables>(db: Database<Tables>, steps: readonly string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    // Two processes that start together on one database: the second waits, and finds the work done.
    await sql`SELECT pg_advisory_xact_lock(7468)`.execute(trx);
    await sql`CREATE TABLE IF NOT EXISTS schema_step (step int PRIMARY KEY)`.execute(trx);
    await sql`COMMENT ON TABLE schema_step IS 'Which steps of the schema this database has'`.execute(trx);
    await sql`COMMENT ON COLUMN schema_step.step IS 'Number of the step, from 1'`.execute(trx);
    const { rows } = await sql<{ done: number }>`SELECT count(*)::int AS done FROM schema_step`.execute(trx);
    for (const [i, step] of steps.entries()) {
      if (i < (rows[0]?.done ?? 0)) continue;
      await sql.raw(step).execute(trx);
      await sql`INSERT INTO schema_step (step) VALUES (${i + 1})`.execute(trx);
    }
  });
}

/**
 * Wakes up when another process of this party changed something. A notification that is lost costs a poll interval: it says
 * nothing but "look again". @returns how to stop
 */
export async function listen(url: string, channel: string, wake: () => void): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'twinkeep-listen' });
  client.on('error', () => {});
  client.on('notification', wake);
  await client.connect();
  await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  return () => client.end().catch(() => {});
}
