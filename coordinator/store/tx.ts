/**
 * Named transactions. The name stands in the log when one is retried or fails, and is where a test lets the process die.
 *
 * Everything that must be true together is written in one. They run at READ COMMITTED and take row locks in one order: round, task,
 * head of the log, revisions. A deadlock, should that order ever be broken, and a lost race for the log's head are retried; the
 * function therefore keeps no effect outside of the transaction.
 */
import { TwinkeepError } from '@twinkeep/audit';
import type { Db, Tx } from './schema.ts';

export type RunTx = <T>(name: string, work: (tx: Tx) => Promise<T>) => Promise<T>;

/** What stands between a transaction and the outside; production passes none. A throw from it is what a crash is to the caller. */
export type TxObserver = (name: string, moment: 'before-commit' | 'after-commit') => void;

export interface TxDeps {
  db: Db;
  onRetry: (name: string, code: string) => void;
  observe?: TxObserver | undefined;
}

const ATTEMPTS = 6;
/** serialization_failure and deadlock_detected. */
const RETRIED: ReadonlySet<string> = new Set(['40001', '40P01', 'log/conflict']);

export function createRunTx({ db, onRetry, observe }: TxDeps): RunTx {
  return async (name, work) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await db.transaction().execute(async (tx) => {
          const value = await work(tx);
          observe?.(name, 'before-commit');
          return value;
        });
        observe?.(name, 'after-commit');
        return result;
      } catch (error) {
        const code = errorCode(error);
        if (code === null || !RETRIED.has(code) || attempt === ATTEMPTS) throw error;
        onRetry(name, code);
        await sleep(2 ** attempt * (1 + (attempt % 2)));
      }
    }
  };
}

function errorCode(error: unknown): string | null {
  if (error instanceof TwinkeepError) return error.code;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return null;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
