/** Keys that sent consent events, with the credential that says for whom they may: shown to auditors, who check it for themselves. */
import type { Credential } from '@twinkeep/protocol';
import { sql } from 'kysely';
import type { Db, Tx } from './schema.ts';

export interface NewSpeaker {
  credential: Credential;
  jwt: string;
  /** Base64url of the raw key. */
  kid: string;
}

/** The credential under which a key spoke first is kept. */
export async function insertSpeakers(tx: Tx, speakers: readonly NewSpeaker[]): Promise<void> {
  const rows = speakers.map(({ credential: { jkt, sub }, jwt, kid }) => ({
    jkt,
    key: kid,
    sub,
    credential: jwt,
  }));
  if (rows.length > 0)
    await tx
      .insertInto('speakers')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
}

export interface StoredSpeaker {
  key: string;
  credential: string;
}

/** Of the keys that signed events about these subjects. The coordinator's own is not among them. */
export async function readSpeakers(db: Db, subjects: readonly string[]): Promise<StoredSpeaker[]> {
  return db
    .selectFrom('speakers')
    .select(['key', 'credential'])
    .where(sql<boolean>`jkt in (select jkt from consent_events where subject = any(${subjects}::text[]))`)
    .orderBy('key')
    .execute();
}

/** Of the keys that signed these entries of the log. */
export async function readSpeakersOf(db: Db, indices: readonly number[]): Promise<StoredSpeaker[]> {
  return db
    .selectFrom('speakers')
    .select(['key', 'credential'])
    .where(sql<boolean>`jkt in (select jkt from consent_events where leaf_index = any(${indices}::bigint[]))`)
    .orderBy('key')
    .execute();
}
