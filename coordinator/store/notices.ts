/** Published notices, by the hash of their text: what a subject was shown can be shown again, word for word. */
import type { NoticeInForce } from '@twinkeep/consent';
import type { NoticePublication } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { Db, Row, Tx } from './schema.ts';

/** Of these notices, the version in force in each language. A notice that was never published is not among them. */
export async function readNoticesInForce(db: Db, ids: readonly string[]): Promise<NoticeInForce[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('notices')
    .select(['id', 'lang', 'version', 'hash'])
    .where('in_force', '=', true)
    .where(sql<boolean>`id = any(${ids}::text[])`)
    .execute();
}

export type StoredNotice = Row<'notices'>;

export async function findNotice(db: Db, hash: string): Promise<StoredNotice | null> {
  const row = await db.selectFrom('notices').selectAll().where('hash', '=', hash).executeTakeFirst();
  return row ?? null;
}

/** Of this id and language. */
export async function findNoticeInForce(db: Db, id: string, lang: string): Promise<StoredNotice | null> {
  const row = await db
    .selectFrom('notices')
    .selectAll()
    .where('id', '=', id)
    .where('lang', '=', lang)
    .where('in_force', '=', true)
    .executeTakeFirst();
  return row ?? null;
}

/** @returns false where this version of the notice has another text */
export async function insertNotice(
  tx: Tx,
  hash: string,
  { text: body, ...fields }: NoticePublication,
  officer: { sub: string; jkt: string },
  publishedAt: number | null,
): Promise<boolean> {
  const row = await tx
    .insertInto('notices')
    .values({
      ...fields,
      hash,
      body,
      in_force: publishedAt !== null,
      proposed_by: officer.sub,
      proposed_jkt: officer.jkt,
      approved_by: null,
      published_at: publishedAt,
      bump_after: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** In place of the version in force. A material change begins to be carried into the consents. */
export async function putIntoForce(
  tx: Tx,
  { hash, id, lang, change }: StoredNotice,
  approvedBy: string,
  at: number,
): Promise<void> {
  await tx
    .updateTable('notices')
    .set({ in_force: false })
    .where('id', '=', id)
    .where('lang', '=', lang)
    .where('in_force', '=', true)
    .execute();
  await tx
    .updateTable('notices')
    .set({
      in_force: true,
      approved_by: approvedBy,
      published_at: at,
      bump_after: change === 'material' ? '' : null,
    })
    .where('hash', '=', hash)
    .execute();
}

/** A notice whose change is still to be carried on, leased until the transaction ends. */
export async function leaseBump(tx: Tx): Promise<StoredNotice | null> {
  const row = await tx
    .selectFrom('notices')
    .selectAll()
    .where('bump_after', 'is not', null)
    .orderBy('published_at')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row ?? null;
}

/** `after` null: it is done. */
export async function moveBump(tx: Tx, hash: string, after: string | null): Promise<void> {
  await tx.updateTable('notices').set({ bump_after: after }).where('hash', '=', hash).execute();
}
