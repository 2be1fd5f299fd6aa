/** The keys of twins, unwrapped once and kept in memory for as long as the database still has them. */
import { sql } from 'kysely';
import { StoreError } from '@twinkeep/edge-client/fleet';
import type { Connection } from '../process/database.ts';
import { createTwinCipher, createWrappedKey, unwrapKey, type TwinCipher } from './cipher.ts';
import type { RegionTables } from './schema.ts';

export interface KeyRing {
  /**
   * Ciphers of those subjects that have a twin and a key, in ascending order. A twin whose key was destroyed is gone.
   * @param lock hold the rows until the transaction ends, so that nothing of these twins changes meanwhile
   * @throws StoreError 'store/unreadable'
   */
  find(
    conn: Connection<RegionTables>,
    subjects: readonly string[],
    lock?: boolean,
  ): Promise<Map<string, TwinEntry>>;
  /** The same, for subjects that must all be there. @throws StoreError 'store/unknown-twin' */
  lockAll(conn: Connection<RegionTables>, subjects: readonly string[]): Promise<Map<string, TwinCipher>>;
  create(subject: string): { cipher: TwinCipher; wrapped: Buffer };
}

export interface TwinEntry {
  cipher: TwinCipher;
  revision: string;
}

export function createKeyRing(wrappingKey: Uint8Array): KeyRing {
  const opened = new Map<string, { wrapped: Buffer; cipher: TwinCipher }>();

  const cipherOf = (subject: string, wrapped: Buffer): TwinCipher => {
    const known = opened.get(subject);
    if (known?.wrapped.equals(wrapped) === true) return known.cipher;
    const cipher = createTwinCipher(unwrapKey(wrapped, wrappingKey, subject), subject);
    opened.set(subject, { wrapped, cipher });
    return cipher;
  };

  const find: KeyRing['find'] = async (conn, subjects, lock = false) => {
    let query = conn
      .selectFrom('twin')
      .innerJoin('twin_key', 'twin_key.subject', 'twin.subject')
      .select(['twin.subject', 'twin.revision', 'twin_key.wrapped'])
      .where(sql<boolean>`twin.subject = ANY(${subjects})`)
      .orderBy('twin.subject');
    if (lock) query = query.forUpdate('twin');
    const rows = await query.execute();
    const found = new Map(
      rows.map(({ subject, revision, wrapped }) => [
        subject,
        { revision, cipher: cipherOf(subject, wrapped) },
      ]),
    );
    for (const subject of subjects) if (!found.has(subject)) opened.delete(subject);
    return found;
  };

  return {
    find,
    async lockAll(conn, subjects) {
      const found = await find(conn, subjects, true);
      if (subjects.some((subject) => !found.has(subject)))
        throw new StoreError('store/unknown-twin', 'there is no such twin');
      return new Map([...found].map(([subject, { cipher }]) => [subject, cipher]));
    },
    create(subject) {
      const { key, wrapped } = createWrappedKey(wrappingKey, subject);
      const cipher = createTwinCipher(key, subject);
      opened.set(subject, { wrapped, cipher });
      return { cipher, wrapped };
    },
  };
}
