/**
 * Where in the browser a store lies. Chromium keeps the databases of one origin in one LevelDB, whose files hold what was deleted
 * until they happen to be rewritten: after `deleteDatabase` the keys and the ciphertext of a store can still be read from the disk, after a
 * restart too. A storage bucket (https://wicg.github.io/storage-buckets/) has files of its own, which are removed with it. So a store
 * lies in a bucket where the browser has them. Firefox and Safari keep a file per database and remove it with the database, as far as is
 * known of them; only Chromium is tested.
 * A store stays where it began, so that a browser that learns of buckets does not lose it.
 *
 * Imports nothing, because the page of a host app asks for persistence before it loads anything else.
 */

export interface StoragePlace {
  indexedDB: IDBFactory;
  estimate(): Promise<StoreHealth>;
  persist(): Promise<boolean>;
  /** Removes the files; null where only the database can be deleted. */
  remove: (() => Promise<void>) | null;
}

export interface StoreHealth {
  /** Does the browser promise not to evict this storage when room gets short? */
  persisted: boolean;
  /** Bytes, as the browser estimates them; null where it does not tell. */
  usage: number | null;
  quota: number | null;
}

interface Storage {
  estimate?(): Promise<{ usage?: number; quota?: number }>;
  persisted?(): Promise<boolean>;
  /** Not in workers. */
  persist?(): Promise<boolean>;
}

interface StorageBuckets {
  open(name: string, options: { durability: 'strict' }): Promise<Storage & { indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

/** What this needs of the global scope of a page or worker. */
interface Platform {
  readonly indexedDB?: IDBFactory;
  readonly navigator?: { readonly storage?: Storage; readonly storageBuckets?: StorageBuckets };
}

/**
 * @param given an IndexedDB to use instead of the platform's
 * @returns null without IndexedDB; throws what the browser throws where storage is forbidden
 */
export async function findPlace(name: string, given: IDBFactory | undefined): Promise<StoragePlace | null> {
  const platform = globalThis as Platform;
  const shared = { ...describe(platform.navigator?.storage ?? {}), remove: null };
  if (given !== undefined) return { indexedDB: given, ...shared };
  const { indexedDB } = platform;
  const buckets = platform.navigator?.storageBuckets;
  if (buckets === undefined) return indexedDB === undefined ? null : { indexedDB, ...shared };
  const own = `twinkeep-${name}`;
  // First of all, because where storage is forbidden this says so properly; `databases()` also leaves a rejection unhandled.
  const bucket = await buckets.open(own, { durability: 'strict' });
  const remove = (): Promise<void> => buckets.delete(own);
  if (indexedDB === undefined || !(await hasDatabase(indexedDB, name)))
    return { indexedDB: bucket.indexedDB, ...describe(bucket), remove };
  await remove();
  return { indexedDB, ...shared };
}

/**
 * Asks the browser not to evict the store of this name when room gets short; it may ask the user. Only a page can: in a worker the
 * answer is false.
 * @returns whether the browser promised it; false too where it keeps nothing at all
 */
export async function persistDexieStore(name: string): Promise<boolean> {
  try {
    return (await (await findPlace(name, undefined))?.persist()) ?? false;
  } catch {
    return false;
  }
}

async function hasDatabase(indexedDB: IDBFactory, name: string): Promise<boolean> {
  return (await indexedDB.databases()).some((database) => database.name === name);
}

function describe(storage: Storage): Pick<StoragePlace, 'estimate' | 'persist'> {
  return {
    async estimate() {
      const { usage = null, quota = null } = (await storage.estimate?.()) ?? {};
      return { persisted: (await storage.persisted?.()) ?? false, usage, quota };
    },
    persist: async () => (await storage.persist?.()) ?? false,
  };
}
