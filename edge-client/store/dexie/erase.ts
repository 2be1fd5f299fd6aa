/**
 * The end of a store: first its keys, then its files, or its database where it has no files of its own.
 *
 * What a crash leaves: the keys go in one transaction that also leaves a mark, so that the next opening ends the erasure and starts a
 * new store. Where the quota has no room for the mark they go without it, and the next opening says that the store is corrupt. Everything that is left between is ciphertext without a key. A database in a bucket is not deleted by itself: the mark
 * would go with it, while the files still hold what was deleted.
 *
 * What can be shown, and is tested on the files of a real profile: before the erasure nothing of what was stored stands there in
 * the clear, and after it neither that nor the root key does, where the store lies in a bucket (Chromium). Without a bucket
 * Chromium's LevelDB keeps deleted records, keys among them, until it compacts; no script can make it, and `files: 'deleted'` says so.
 * In both cases the blocks of a removed file stay on the medium until they are written anew, and backups of the profile stay.
 */
import { toStoreError } from './failure.ts';
import { requirePlace } from './lifetime.ts';
import { within } from './patience.ts';

export interface Erasure {
  /**
   * `removed`: the files of the store are gone. `deleted`: the database is gone, and the browser rewrites its files in its own time.
   * `pending`: a page of this origin that does not listen holds the database open; the browser deletes it when that page is closed. Its
   * keys were destroyed before, unless it cannot even be opened.
   */
  files: 'removed' | 'deleted' | 'pending';
}

export interface EraseOptions {
  name: string;
  /** Instead of the platform's. */
  indexedDB?: IDBFactory | undefined;
}

/** How long other tabs have to let go, in milliseconds. They do so at once, unless they are frozen or not ours. */
const PATIENCE = 3_000;

/** Works without opening the store, so also on one that is corrupt, outdated or half erased. @throws StoreError */
export async function eraseDexieStore({ name, indexedDB }: EraseOptions): Promise<Erasure> {
  try {
    const place = await requirePlace(name, indexedDB);
    await destroyKeys(place.indexedDB, name);
    if (place.remove === null) return { files: await deleteDatabase(place.indexedDB, name) };
    await place.remove();
    return { files: 'removed' };
  } catch (error) {
    throw toStoreError(error);
  }
}

/** Of a database that cannot be opened, has no such tables, or waits to be deleted, nothing can be destroyed singly. */
async function destroyKeys(indexedDB: IDBFactory, name: string): Promise<void> {
  const opening = opened(indexedDB.open(name));
  const database = await within(PATIENCE, opening, () => null).catch(() => null);
  if (database === null) {
    opening.then((late) => late.close()).catch(() => undefined);
    return;
  }
  database.addEventListener('versionchange', () => database.close());
  const tables = ['key', 'twin'].filter((table) => database.objectStoreNames.contains(table));
  if (tables.length === 2)
    await clearTables(database, tables, true).catch(() => clearTables(database, tables, false));
  database.close();
}

function clearTables(database: IDBDatabase, tables: string[], mark: boolean): Promise<void> {
  const transaction = database.transaction(tables, 'readwrite', { durability: 'strict' });
  for (const table of tables) transaction.objectStore(table).clear();
  if (mark) transaction.objectStore('key').put({ id: 'erasing' });
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')));
  });
}

function deleteDatabase(indexedDB: IDBFactory, name: string): Promise<'deleted' | 'pending'> {
  const deletion = opened(indexedDB.deleteDatabase(name)).then(() => 'deleted' as const);
  return within(PATIENCE, deletion, () => 'pending' as const);
}

function opened<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')));
  });
}
