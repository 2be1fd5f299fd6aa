/**
 * Writing to the audit log, inside the transaction that does what is logged. Public statements keep their body and salt in the table
 * `statements` for ever; a consent keeps them in the vault, where they can be erased and leave a leaf that is linked to nobody.
 */
import {
  bytesToBase64Url,
  canonicalJson,
  createLeaf,
  createLog,
  EMPTY_ROOT,
  type Ed25519Signer,
  type Log,
} from '@twinkeep/audit';
import { statementHash, verifyDetached, type Random, type Statement } from '@twinkeep/protocol';
import { createHash } from 'node:crypto';
import { createLogStore } from '../store/log-store.ts';
import type { Db, Tx } from '../store/schema.ts';
import { insertStatements } from '../store/statements.ts';

/** Where the log stood when something was decided. */
export interface LogPoint {
  size: number;
  /** Base64url. */
  root: string;
}

export interface LoggedEntry {
  index: number;
  leaf: Uint8Array;
  salt: Uint8Array;
}

export interface Journal {
  readonly origin: string;
  /** The log, for proofs and the head. */
  read(db: Db): Log;
  /** Holds every other writer of the log off until the transaction ends, so that what is read next is what this size of the log says. */
  lock(tx: Tx): Promise<LogPoint>;
  append(tx: Tx, entries: readonly { type: string; body: unknown }[], at: number): Promise<LoggedEntry[]>;
  /** Appends signed statements in order and stores them with what opens their leaves. */
  publish(tx: Tx, statements: readonly Statement<unknown>[], at: number): Promise<void>;
}

const SALT_BYTES = 32;

export interface JournalDeps {
  signer: Ed25519Signer;
  origin: string;
  random: Random;
}

export function createJournal({ signer, origin, random }: JournalDeps): Journal {
  const logOn = (db: Db, lock: 'read' | 'lock-head'): Log =>
    createLog({
      store: createLogStore(db, lock),
      signer,
      origin,
      hash: nativeSha256,
      verify: verifyDetached,
    });

  const append: Journal['append'] = async (tx, entries, at) => {
    const made = entries.map(({ type, body }) => {
      const salt = random(SALT_BYTES);
      return { ...createLeaf({ type, at: new Date(at), body, salt }), salt };
    });
    const { firstIndex } = await logOn(tx, 'lock-head').append(made.map(({ leaf }) => leaf));
    return made.map(({ leaf, salt }, i) => ({ index: firstIndex + i, leaf, salt }));
  };

  return {
    origin,
    read: (db) => logOn(db, 'read'),
    lock: async (tx) => {
      const head = await createLogStore(tx, 'lock-head').head();
      return { size: head?.size ?? 0, root: bytesToBase64Url(head?.root ?? EMPTY_ROOT) };
    },
    append,
    publish: async (tx, statements, at) => {
      const entries = await append(
        tx,
        statements.map((statement) => ({ type: statement.type, body: statement })),
        at,
      );
      await insertStatements(
        tx,
        entries.map(({ index, salt }, i) => {
          const statement = statements[i] as Statement<unknown>;
          return {
            hash: statementName(statement),
            type: statement.type,
            statement: canonicalJson(statement),
            leaf_index: index,
            salt,
          };
        }),
      );
    },
  };
}

/** How statements are named on the wire and in the tables: base64url of the hash of the signed bytes. */
export function statementName(statement: Pick<Statement<unknown>, 'type' | 'body'>): string {
  return bytesToBase64Url(statementHash(statement));
}

/** node:crypto's, some ten times faster than the portable one. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
