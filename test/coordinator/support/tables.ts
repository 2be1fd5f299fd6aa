/** What the coordinator's tables say, as one digest: a refused request must not change it. */
import { createHash } from 'node:crypto';
import type pg from 'pg';

/**
 * Every row of every table but two: used-up proofs, which a refused request uses up too, and the record of migrations.
 * Counters that long polls wait for are in: nobody is to be woken by a refusal.
 */
export async function digestTables(sql: pg.Pool): Promise<string> {
  const { rows: tables } = await sql.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
     and relname not like 'kysely%' and relname <> 'dpop_proofs' order by relname`,
  );
  if (tables.length < 15) throw new Error('a digest that sees nothing says nothing');
  const hash = createHash('sha256');
  for (const { name } of tables) {
    const { rows } = await sql.query<{ row: string }>(`select t::text as row from "${name}" t order by 1`);
    hash.update(`${name}\n${rows.map(({ row }) => row).join('\n')}\n`);
  }
  return hash.digest('hex');
}
