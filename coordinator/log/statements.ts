/**
 * Reading public statements back: bare, for our own work, and with their place in the log, for those who trust only that. Statements never
 * change and are kept in memory once read; a proof is made again when the log has grown, so that no reader sees it shrink.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import type { LoggedStatement, Statement, StatementType } from '@twinkeep/protocol';
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
  /** A reader of statements with leaf, salt and a proof at the head of now, for one answer. */
  logged(db: Db): Promise<ReadLogged>;
}

export type ReadLogged = <T>(hash: string, type: StatementType) => Promise<LoggedStatement<T>>;

interface Kept {
  statement: Statement<unknown>;
  index: number;
  leaf: string;
  salt: string;
}

const KEPT_STATEMENTS = 256;

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

  return {
    find: async <T>(db: Db, hash: string, type: StatementType) =>
      ((await find(db, hash, type))?.statement ?? null) as Statement<T> | null,
    read: async <T>(db: Db, hash: string, type: StatementType) =>
      (await mustFind(db, hash, type)).statement as Statement<T>,
    logged: async (db) => {
      const log = journal.read(db);
      const size = (await log.head())?.size ?? 0;
      return async <T>(hash: string, type: StatementType) => {
        const { statement, index, leaf, salt } = await mustFind(db, hash, type);
        const known = proofs.get(hash);
        const proof = known?.size === size ? known.proof : await log.receipt(index);
        proofs.set(hash, { size, proof });
        return { statement: statement as Statement<T>, leaf, salt, proof };
      };
    },
  };
}
