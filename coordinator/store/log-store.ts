/**
 * The audit log's store on PostgreSQL (`LogStore` of @twinkeep/audit). Bound to a transaction it is as durable as that transaction: the
 * log can then never disagree with the tables that were written with it.
 *
 * Trust: the store keeps what it is given. Its owner can lose, change or roll back everything; `openLog` and `fsck` notice the first two, and
 * whoever kept a later checkpoint (every node and helper does) notices the third.
 */
import { AuditError, LogConflictError, type LogHead, type LogStore } from '@twinkeep/audit';
import { sql } from 'kysely';
import type { Db } from './schema.ts';

/**
 * @param db a pool or a transaction
 * @param lock the head is about to be moved: reading it makes the next writer wait until this transaction ends
 */
export function createLogStore(db: Db, lock: 'read' | 'lock-head' = 'read'): LogStore {
  return {
    head: async () => {
      const query = db.selectFrom('log_head').select(['size', 'root', 'note']);
      const row = await (lock === 'read' ? query : query.forUpdate()).executeTakeFirstOrThrow();
      return row.root === null || row.note === null
        ? null
        : { size: row.size, root: row.root, note: row.note };
    },
    append: (expectedSize, next, leaves, hashes) => {
      const write = (tx: Db): Promise<void> => appendTo(tx, expectedSize, next, leaves, hashes);
      return db.isTransaction ? write(db) : db.transaction().execute(write);
    },
    hashes: async (ids) => {
      if (ids.length === 0) return [];
      const { rows } = await sql<{ hash: Uint8Array | null }>`
        select h.hash from unnest(${ids.map(({ level }) => level)}::int[], ${ids.map(({ index }) => index)}::bigint[])
          with ordinality as asked (level, node_index, place)
        left join log_hashes h using (level, node_index) order by asked.place`.execute(db);
      return rows.map(({ hash }, i) => {
        if (hash !== null) return hash;
        throw new AuditError('log/missing-hash', `no hash at level ${ids[i]?.level}, index ${ids[i]?.index}`);
      });
    },
    leaves: async (start, end) => {
      const rows = await db
        .selectFrom('log_leaves')
        .select('leaf')
        .where('leaf_index', '>=', start)
        .where('leaf_index', '<', end)
        .orderBy('leaf_index')
        .execute();
      if (rows.length !== end - start)
        throw new AuditError('log/missing-leaf', `leaves ${start} to ${end} are not all there`);
      return rows.map(({ leaf }) => leaf);
    },
  };
}

/** One statement: where the head does not move, because another writer moved it, nothing else happens either. */
async function appendTo(
  tx: Db,
  expectedSize: number,
  next: LogHead,
  leaves: readonly Uint8Array[],
  hashes: Parameters<LogStore['append']>[3],
): Promise<void> {
  const { rows } = await sql<{ moved: number }>`with
    moved as (
      update log_head set size = ${next.size}, root = ${next.root}, note = ${next.note}
      where size = ${expectedSize} returning 1),
    added as (
      insert into log_leaves (leaf_index, leaf)
      select ${expectedSize}::bigint + place - 1, leaf
      from unnest(${leaves}::bytea[]) with ordinality as given (leaf, place) where exists (select from moved)),
    hashed as (
      insert into log_hashes (level, node_index, hash)
      select * from unnest(${hashes.map(({ level }) => level)}::int[], ${hashes.map(({ index }) => index)}::bigint[],
        ${hashes.map(({ hash }) => hash)}::bytea[]) where exists (select from moved))
    select count(*) as moved from moved`.execute(tx);
  if (rows[0]?.moved !== 1) throw new LogConflictError(expectedSize);
}
