/** Public signed statements with their leaves. Written once, never changed. */
import type { Db, NewRow, Tx } from './schema.ts';

export async function insertStatements(tx: Tx, rows: NewRow<'statements'>[]): Promise<void> {
  await tx.insertInto('statements').values(rows).execute();
}

export interface StoredStatement {
  type: string;
  /** Canonical JSON of the whole statement. */
  statement: string;
  index: number;
  leaf: Uint8Array;
  salt: Uint8Array;
}

export function readStatement(db: Db, hash: string): Promise<StoredStatement | undefined> {
  return db
    .selectFrom('statements as s')
    .innerJoin('log_leaves as l', 'l.leaf_index', 's.leaf_index')
    .select(['s.type', 's.statement', 's.leaf_index as index', 'l.leaf', 's.salt'])
    .where('s.hash', '=', hash)
    .executeTakeFirst();
}

export interface ExportRow {
  leaf: Uint8Array;
  statement: string | null;
  salt: Uint8Array | null;
}

/** Leaves `start ..< end` in order, those of public statements with what opens them. Consent bodies are not even read. */
export function readExportRows(db: Db, start: number, end: number): Promise<ExportRow[]> {
  return db
    .selectFrom('log_leaves as l')
    .leftJoin('statements as s', 's.leaf_index', 'l.leaf_index')
    .select(['l.leaf', 's.statement', 's.salt'])
    .where('l.leaf_index', '>=', start)
    .where('l.leaf_index', '<', end)
    .orderBy('l.leaf_index')
    .execute();
}

export async function countStatements(db: Db, logSize: number): Promise<number> {
  const { count } = await db
    .selectFrom('statements')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('leaf_index', '<', logSize)
    .executeTakeFirstOrThrow();
  return count;
}
