/** Published notices, by the hash of their text: what a subject was shown can be shown again, word for word. */
import { sql } from 'kysely';
import type { Db, Row } from './schema.ts';

export interface NoticeInForce {
  id: string;
  lang: string;
  version: string;
  /** `sha-256:` and base64url. */
  hash: string;
}

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

export type NoticeRow = Row<'notices'>;
