/** The connection pool. Nothing outside of this folder knows that PostgreSQL is behind it. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { CopyCursor } from './copy.ts';
import type { Db, Schema } from './schema.ts';

/** Few, because a coordinator shares its server with others; a request holds one for milliseconds. */
const CONNECTIONS = 8;

/**
 * `onLost` hears of connections that broke while idle; the pool replaces them by itself. It is called with errors of the driver,
 * which name hosts and no data.
 */
export function openDatabase(url: string, onLost: (error: Error) => void): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 60_000,
    // A process that hangs must not hold the log's head for ever.
    idle_in_transaction_session_timeout: 60_000,
    application_name: 'twinkeep-coordinator',
    types: { getTypeParser: parserOf },
  });
  pool.on('error', onLost);
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool, cursor: CopyCursor }) });
}

function parserOf(type: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (type === pg.types.builtins.INT8) return bigintToNumber;
  if (type === pg.types.builtins.BYTEA) return hexToUint8Array;
  return format === 'binary' ? pg.types.getTypeParser(type, 'binary') : pg.types.getTypeParser(type, 'text');
}

/** PostgreSQL writes bytea as `\\x` and hex. Plain bytes, so that no Buffer goes further than this file. */
function hexToUint8Array(text: string): Uint8Array {
  const buffer = Buffer.from(text.slice(2), 'hex');
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Counters, times and log indices are bigint in SQL and stay far below 2^53, where a number is exact. */

function bigintToNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint column holds a value beyond 2^53');
  return value;
}
