/**
 * Opening the database, and letting go of it. A handle that another tab or the browser ended never comes back by itself, as Dexie's
 * would: it would find another store, or make one.
 */
import type { DBCore, Middleware } from 'dexie';
import { StoreError } from '../errors.ts';
import { toOpenError } from './failure.ts';
import { within } from './patience.ts';
import { findPlace, type StoragePlace } from './place.ts';
import { createDatabase, NATIVE_VERSION, type StoreDatabase } from './schema.ts';

/**
 * Why a handle ended. `upgraded`: newer code in another tab wanted the store. `gone`: it was erased, here or in another tab, or the
 * browser took it away (eviction, "clear data"); opening again makes a new, empty store.
 */
export type StoreEnding = 'closed' | 'upgraded' | 'gone';

export interface Lifetime {
  readonly closed: Promise<StoreEnding>;
  ended(): boolean;
  end(how: StoreEnding): void;
}

/** @throws StoreError 'store/unavailable' */
export async function requirePlace(name: string, given: IDBFactory | undefined): Promise<StoragePlace> {
  const place = await findPlace(name, given).catch((error: unknown) => {
    throw toOpenError(error);
  });
  if (place === null) throw new StoreError('store/unavailable', 'this browser has no IndexedDB here');
  return place;
}

/** @param patience milliseconds. @throws StoreError 'store/unavailable', 'store/blocked', 'store/outdated', 'store/corrupt' */
export async function openDatabase(
  indexedDB: IDBFactory,
  gate: Middleware<DBCore>,
  name: string,
  patience: number,
): Promise<{ db: StoreDatabase; lifetime: Lifetime }> {
  const { IDBKeyRange } = globalThis;
  const db = createDatabase(name, {
    indexedDB,
    IDBKeyRange,
    autoOpen: false,
    cache: 'disabled',
    chromeTransactionDurability: 'strict',
  });
  db.use(gate);
  const lifetime = createLifetime(db);
  try {
    await within(patience, Promise.resolve(db.open()), () => {
      throw new StoreError('store/blocked', 'another tab holds the store up');
    });
  } catch (error) {
    lifetime.end('closed');
    throw toOpenError(error);
  }
  if (db.backendDB().version > NATIVE_VERSION) {
    lifetime.end('closed');
    throw new StoreError('store/outdated', 'the store was upgraded by newer code');
  }
  return { db, lifetime };
}

/** Lets go at once when another tab wants to upgrade or to delete. */
function createLifetime(db: StoreDatabase): Lifetime {
  let ending: StoreEnding | null = null;
  let resolve: (how: StoreEnding) => void;
  const closed = new Promise<StoreEnding>((resolved) => (resolve = resolved));
  const end = (how: StoreEnding): void => {
    if (ending !== null) return;
    ending = how;
    db.close();
    resolve(how);
  };
  db.on('versionchange', (event) => {
    end(event.newVersion === null ? 'gone' : 'upgraded');
    // A request that was given up may have been granted since.
    (event.target as IDBDatabase | null)?.close();
    return false;
  });
  db.on('close', () => end('gone'));
  // Dexie would write to the console here; patience runs out anyway.
  db.on('blocked', () => false);
  return { closed, end, ended: () => ending !== null };
}
