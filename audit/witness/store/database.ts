/**
 * The witness's database. It holds what must never be forgotten: the last head of each log that was cosigned. Who can write it can make
 * the witness cosign a second history, as whoever loses it can; nothing in it is secret.
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';

export interface Schema {
  witness: { one: boolean; vkey: string };
  heads: { origin: string; size: number; root: Uint8Array; note: string | null; cosigned_at: number | null };
  forks: { origin: string; size: number; root: Uint8Array; note: string; kept_note: string; seen_at: number };
}

export type Db = Kysely<Schema>;
export type Tx = Transaction<Schema>;

const CONNECTIONS = 4;

/** `onLost` hears of connections that broke while idle; the pool replaces them by itself. */
export function openDatabase(url: string, onLost: (error: Error) => void): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 30_000,
    // A process that hangs must not hold a log's head for ever.
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'twinkeep-witness',
    types: { getTypeParser: parserOf },
  });
  pool.on('error', onLost);
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

function parserOf(type: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (type === pg.types.builtins.INT8) return bigintToNumber;
  if (type === pg.types.builtins.BYTEA) return hexToUint8Array;
  return format === 'binary' ? pg.types.getTypeParser(type, 'binary') : pg.types.getTypeParser(type, 'text');
}

function hexToUint8Array(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
}

/** Sizes are at most 2^53 - 1 by the codec. */
function bigintToNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint column holds a value beyond 2^53');
  return value;
}
