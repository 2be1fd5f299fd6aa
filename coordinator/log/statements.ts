/**
 * Reading public statements back: bare, for our own work, and with their place in the log, for those who trust only that. Statements never
 * change and are kept in memory once read; a proof is made again when the log has grown, so that no reader sees it shrink.
 *
 * Where the log has witnesses, a statement that is not under a cosigned head yet does not exist for a reader: `logged` says null, and whoever
 * answers a request leaves it out, as if it had not been made. When the head moves, long polls are woken.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { ProblemError, type LoggedStatement, type Statement, type StatementType } from '@twinkeep/protocol';
import { CoordinatorError } from '../errors.ts';
import type { Db } from '../store/schema.ts';
import { readStatement } from '../store/statements.ts';
import { createCache } from '../cache.ts';
import type { Journal } from './journal.ts';

export interface Statements {
  /** Null where there is no such statement of this type. */
  find<T>(db: Db, hash: string, type: StatementType): Promise<Statement<T> | null>;
  /** @throws CoordinatorError where the tables name a statement that they do not hold. */
  read<T>(db: Db, hash: string, type: StatementType): Promise<Statement<T>>;
  /** A reader of statements with leaf, salt and a proof at the published head of now, for one answer. */
  logged(db: Db): Promise<ReadLogged>;
  /**
   * The statement, once it is published.
   * @throws ProblemError 'request/busy' where it is not after a while: the witnesses do not answer
   */
  awaitLogged<T>(db: Db, hash: string, type: StatementType): Promise<LoggedStatement<T>>;
}

/** Null where it is not published yet, or not even logged. */
export type ReadLogged = <T>(hash: string, type: StatementType) => Promise<LoggedStatement<T> | null>;

interface Kept {
  statement: Statement<unknown>;
  index: number;
  leaf: string;
  salt: string;
}

const KEPT_STATEMENTS = 256;
const LOOK_MILLIS = 50;
const MAX_LOOKS = 200;

export function createStatements(journal: Journal): Statements {
  const kept = createCache<Kept>(KEPT_STATEMENTS);
  const proofs = createCache<{ size: number; proof: string }>(KEPT_STATEMENTS);

  const find = async (db: Db, hash: string, type: StatementType): Promise<Kept | null> => {
    const known = kept.get(hash);
    if (known !== undefined) return known.statement.type === type ? known : null;
    const row = await readStatement(db, hash);
    if (row === undefined || row.type !== type) return null;
    const found: Kept = {
      // Written by this coordinator, canonical and signed; whoever could change the row could change every other one too.
      statement: JSON.parse(row.statement) as Statement<unknown>,
      index: row.index,
      leaf: bytesToBase64Url(row.leaf),
      salt: bytesToBase64Url(row.salt),
    };
    // Within a transaction the row may be gone after a rollback; only what everyone can see is kept.
    if (!db.isTransaction) kept.set(hash, found);
    return found;
  };
  const mustFind = async (db: Db, hash: string, type: StatementType): Promise<Kept> => {
    const found = await find(db, hash, type);
    if (found !== null) return found;
    throw new CoordinatorError('store/missing-row', `a ${type} that the tables name is not stored`);
  };

  const logged = async (db: Db): Promise<ReadLogged> => {
    const head = await journal.published(db);
    const log = journal.read(db);
    return async <T>(hash: string, type: StatementType) => {
      const kept = await find(db, hash, type);
      if (kept === null || head === null || kept.index >= head.size) return null;
      const { statement, index, leaf, salt } = kept;
      const known = proofs.get(hash);
      const proof = known?.size === head.size ? known.proof : await log.receipt(index, head);
      proofs.set(hash, { size: head.size, proof });
      return { statement: statement as Statement<T>, leaf, salt, proof };
    };
  };

  return {
    find: async <T>(db: Db, hash: string, type: StatementType) =>
      ((await find(db, hash, type))?.statement ?? null) as Statement<T> | null,
    read: async <T>(db: Db, hash: string, type: StatementType) =>
      (await mustFind(db, hash, type)).statement as Statement<T>,
    logged,
    awaitLogged: async <T>(db: Db, hash: string, type: StatementType) => {
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        const found = await (await logged(db))<T>(hash, type);
        if (found !== null) return found;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
      }
      throw new ProblemError('request/busy', 'the witnesses of the log have not cosigned this yet');
    },
  };
}
