/**
 * The vault: a key for every data subject, and what was sealed under it (`seal.ts`). Erasing a subject is the loss of the key, and of the rows
 * that name the subject; the leaves of the log stay, and without salt and body they are linked to nobody.
 */
import { equalBytes } from '@twinkeep/audit';
import type { Random } from '@twinkeep/protocol';
import { sql } from 'kysely';
import { CoordinatorError } from '../errors.ts';
import { eraseContributions } from './contributions.ts';
import type { Db, Tx } from './schema.ts';
import { deriveVaultKeys, KEY_BYTES, markOf, open, seal } from './seal.ts';

export interface ToSeal {
  subject: string;
  /** Which row it is, e.g. `consent:17`. Only the same context opens it. */
  context: string;
  bytes: Uint8Array;
}

export interface ToOpen {
  subject: string;
  context: string;
  sealed: Uint8Array;
}

export interface Vault {
  /** One for each in their order, under keys that are made where a subject has none. Null for a subject who was erased: nothing is kept any more. */
  sealFor(tx: Tx, items: readonly ToSeal[]): Promise<(Uint8Array | null)[]>;
  /**
   * One for each in their order; null where the subject was erased.
   * @throws CoordinatorError 'store/seal-broken' where what is stored was not sealed by this vault for that row: somebody changed the table
   */
  openFor(db: Db, items: readonly ToOpen[]): Promise<(Uint8Array | null)[]>;
  /** Of these, the subjects who were erased. */
  erased(db: Db, subjects: readonly string[]): Promise<Set<string>>;
  /**
   * Nothing that was sealed for the subject can be opened after the transaction. The caller holds the lock of the log's head, so that an
   * erasure has its place between what other writers read and log.
   */
  erase(tx: Tx, subject: string, at: number): Promise<void>;
}

/**
 * @param vaultKey 32 bytes
 * @throws CoordinatorError 'config/key-mismatch' where the database was filled under another key
 */
export async function openVault(db: Db, vaultKey: Uint8Array, random: Random): Promise<Vault> {
  const keys = deriveVaultKeys(vaultKey);
  await requireSameKey(db, keys.check);
  const wrapContext = 'key';

  const unwrapAll = async (on: Db, subjects: readonly string[]): Promise<Map<string, Uint8Array>> => {
    const rows = await on
      .selectFrom('subject_keys')
      .selectAll()
      .where(sql<boolean>`subject = any(${subjects}::text[])`)
      .execute();
    return new Map(
      rows.map(({ subject, wrapped }) => [subject, open(keys.wrap, subject, wrapContext, wrapped)]),
    );
  };

  const erased = async (on: Db, subjects: readonly string[]): Promise<Set<string>> => {
    if (subjects.length === 0) return new Set();
    const marks = new Map(subjects.map((subject) => [markOf(subject, keys), subject]));
    const rows = await on
      .selectFrom('erased_subjects')
      .select('mark')
      .where(sql<boolean>`mark = any(${[...marks.keys()]}::text[])`)
      .execute();
    return new Set(rows.map(({ mark }) => marks.get(mark) as string));
  };

  /** Another transaction may make a key for the same subject meanwhile: whichever came first is everyone's. */
  const makeKeys = async (tx: Tx, subjects: readonly string[]): Promise<void> => {
    const gone = await erased(tx, subjects);
    const fresh = subjects.filter((subject) => !gone.has(subject));
    const wrapped = fresh.map((subject) => seal(keys.wrap, subject, wrapContext, random(KEY_BYTES), random));
    await sql`insert into subject_keys (subject, wrapped)
      select * from unnest(${fresh}::text[], ${wrapped}::bytea[]) on conflict do nothing`.execute(tx);
  };

  return {
    erased,
    sealFor: async (tx, items) => {
      const subjects = [...new Set(items.map(({ subject }) => subject))];
      let known = await unwrapAll(tx, subjects);
      const without = subjects.filter((subject) => !known.has(subject));
      if (without.length > 0) {
        await makeKeys(tx, without);
        known = new Map([...known, ...(await unwrapAll(tx, without))]);
      }
      return items.map(({ subject, context, bytes }) => {
        const key = known.get(subject);
        return key === undefined ? null : seal(key, subject, context, bytes, random);
      });
    },
    openFor: async (on, items) => {
      if (items.length === 0) return [];
      const known = await unwrapAll(on, [...new Set(items.map(({ subject }) => subject))]);
      return items.map(({ subject, context, sealed }) => {
        const key = known.get(subject);
        return key === undefined ? null : open(key, subject, context, sealed);
      });
    },
    erase: async (tx, subject, at) => {
      await sql`insert into erased_subjects (mark, erased_at)
        values (${markOf(subject, keys)}, ${at}) on conflict do nothing`.execute(tx);
      await sql`delete from vault where leaf_index in
        (select leaf_index from consent_events where subject = ${subject})`.execute(tx);
      await tx.deleteFrom('consent_events').where('subject', '=', subject).execute();
      await tx.deleteFrom('consent_subjects').where('subject', '=', subject).execute();
      await eraseContributions(tx, subject);
      await tx.deleteFrom('subject_keys').where('subject', '=', subject).execute();
    },
  };
}

/** The first process on an empty database fixes it. */
async function requireSameKey(db: Db, check: Uint8Array): Promise<void> {
  await sql`insert into vault_key (key_check) values (${check}) on conflict do nothing`.execute(db);
  const { key_check } = await db.selectFrom('vault_key').select('key_check').executeTakeFirstOrThrow();
  if (!equalBytes(key_check, check))
    throw new CoordinatorError(
      'config/key-mismatch',
      'vaultKeyFile is not the key that this database was sealed with: put the right file back, for without it no consent can be read',
    );
}

/** Rises with every erasure; 0 before the first. */
export async function readNewestErasure(db: Db): Promise<number> {
  const { newest } = await db
    .selectFrom('erased_subjects')
    .select(({ fn }) => fn.max('place').as('newest'))
    .executeTakeFirstOrThrow();
  return newest ?? 0;
}
