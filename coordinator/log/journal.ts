/**
 * Writing to the audit log, inside the transaction that does what is logged. Public statements keep their body and salt in the table
 * `statements` for ever; a consent keeps them in the vault, where they can be erased and leave a leaf that is linked to nobody.
 */
import {
  AuditError,
  bytesToBase64Url,
  canonicalJson,
  createLeaf,
  createLog,
  EMPTY_ROOT,
  mergeCosignatures,
  verifyWitnessed,
  type Ed25519Signer,
  type Log,
  type LogHead,
  type LogStore,
  type SubtreeId,
  type WitnessPolicy,
} from '@twinkeep/audit';
import { statementName, verifyDetached, type Random, type Statement } from '@twinkeep/protocol';
import { createHash } from 'node:crypto';
import { createLogStore } from '../store/log-store.ts';
import type { Db, Tx } from '../store/schema.ts';
import { insertStatements } from '../store/statements.ts';
import { readWitnessedHead } from '../store/witnessed.ts';

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
  /** Tlog-proof under the log's own checkpoint of this append. Reads nothing: all that it takes is at hand. */
  prove(): Promise<string>;
}

/** The head under which things are shown to anybody outside. */
export interface PublishedHead extends LogHead {
  /** The checkpoint as the log alone signed it; `note` bears the cosignatures too. */
  bare: string;
  /** How many witnesses have cosigned it. */
  witnesses: number;
}

export interface Journal {
  readonly origin: string;
  /** The log, for proofs and the head. */
  read(db: Db): Log;
  /**
   * The newest head that as many witnesses cosigned as the trust file demands; without witnesses the newest. What is not under it does not
   * exist for readers. Never goes back. Null where there is none yet.
   */
  published(db: Db): Promise<PublishedHead | null>;
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
  /** Null: the log has none. */
  witnesses: WitnessPolicy | null;
}

export function createJournal({ signer, origin, random, witnesses }: JournalDeps): Journal {
  const logOver = (store: LogStore): Log =>
    createLog({ store, signer, origin, hash: nativeSha256, verify: verifyDetached });
  const logOn = (db: Db): Log => logOver(createLogStore(db));

  const countWitnesses = witnesses === null ? null : createWitnessCount(witnesses);
  const published = async (db: Db): Promise<PublishedHead | null> => {
    if (countWitnesses === null) {
      const head = await logOn(db).head();
      return head === null ? null : { ...head, bare: head.note, witnesses: 0 };
    }
    const head = await readWitnessedHead(db);
    if (head === undefined) return null;
    const note = mergeCosignatures(head.note, [head.cosignatures]);
    const count = countWitnesses(note);
    return count === 0 ? null : { ...head, note, bare: head.note, witnesses: count };
  };

  const append: Journal['append'] = async (tx, entries, at) => {
    const made = entries.map(({ type, body }) => {
      const salt = random(SALT_BYTES);
      return { ...createLeaf({ type, at: new Date(at), body, salt, hash: nativeSha256 }), salt };
    });
    const log = logOver(rememberHashes(createLogStore(tx, 'lock-head')));
    const { firstIndex, head } = await log.append(made.map(({ leaf }) => leaf));
    return made.map(({ leaf, salt }, i) => {
      const index = firstIndex + i;
      return { index, leaf, salt, prove: () => log.receipt(index, head) };
    });
  };

  return {
    origin,
    read: (db) => logOn(db),
    published,
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

/**
 * How many witnesses have cosigned a note; 0 where they are too few. Looked at each time and not believed: the trust file may have changed
 * since, and a database may be put back. The last answer is kept.
 */
function createWitnessCount(policy: WitnessPolicy): (note: string) => number {
  let last = { note: '', count: 0 };
  return (note) => {
    if (note !== last.note) last = { note, count: countOf(note, policy) };
    return last.count;
  };
}

function countOf(note: string, policy: WitnessPolicy): number {
  try {
    return verifyWitnessed(note, policy, { verify: verifyDetached }).length;
  } catch (error) {
    if (error instanceof AuditError) return 0;
    throw error;
  }
}

/**
 * Keeps in memory what an append reads and writes: the right edge of the tree before it, and all that it closes. The proofs of the appended
 * leaves need no other hash.
 */
function rememberHashes(store: LogStore): LogStore {
  const known = new Map<string, Uint8Array>();
  const nameOf = ({ level, index }: SubtreeId): string => `${level}/${index}`;
  return {
    ...store,
    hashes: async (ids) => {
      const unknown = ids.filter((id) => !known.has(nameOf(id)));
      const read = unknown.length === 0 ? [] : await store.hashes(unknown);
      unknown.forEach((id, i) => known.set(nameOf(id), read[i] as Uint8Array));
      return ids.map((id) => known.get(nameOf(id)) as Uint8Array);
    },
    append: async (expectedSize, next, leaves, hashes) => {
      await store.append(expectedSize, next, leaves, hashes);
      for (const each of hashes) known.set(nameOf(each), each.hash);
    },
  };
}

/** node:crypto's, some ten times faster than the portable one. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
