/** What a tab of a host app does with the store, as functions that a test calls in a page. */
import type { Category } from '@twinkeep/consent';
import {
  eraseDexieStore,
  openDexieStore,
  persistDexieStore,
  type DexieStoreOptions,
  type DexieTwinStore,
  type Erasure,
} from '@twinkeep/edge-client/dexie';
import type { CustomerEvent } from '@twinkeep/protocol';
import { admitted, countFold, NOW, report } from '../../contracts/twin-store-fixtures.ts';
import { grant, withdraw } from './consenting.ts';
import { SUBJECT } from './subject.ts';

const NAME = 'tab';

let store: DexieTwinStore | null = null;

type Options = Partial<DexieStoreOptions> & {
  /** Take the IndexedDB of the origin instead of a bucket. */
  withoutBuckets?: boolean;
  /** Make the root key of these bytes, so that a test knows what to look for. */
  rootKey?: number[];
};

/** @returns 'created' or 'found', or the code of the error */
export async function open({ withoutBuckets, rootKey, ...options }: Options = {}): Promise<string> {
  const place = withoutBuckets === true ? { indexedDB } : {};
  const opened = await outcome(
    openDexieStore({ name: NAME, crypto: cryptoWith(rootKey), clock: () => NOW, ...place, ...options }),
  );
  if (typeof opened === 'string') return opened;
  store = opened;
  return opened.created ? 'created' : 'found';
}

/** As a visit begins: the twin, its key, and its consents. */
export async function enrol(
  categories: readonly Category[],
  bindings: readonly string[] = [],
): Promise<string> {
  await current().addTwin(SUBJECT, bindings);
  const { id } = await current().deviceKey();
  await grant(current(), SUBJECT, categories);
  return id;
}

export async function deviceKeyId(): Promise<string> {
  return (await current().deviceKey()).id;
}

/** @returns how many were fresh, or the code of the error */
export async function record(
  id: string,
  data: CustomerEvent['data'] = {},
  category: Category = 'behavioral',
): Promise<number | string> {
  return outcome(current().recordEvents(SUBJECT, [admitted(SUBJECT, id, data, category)], countFold));
}

/** Events one by one until something ends it; the test, which exposes `told`, hears of each that is durable. */
export async function recordOnAndOn(prefix: string): Promise<void> {
  const { told } = globalThis as unknown as { told(id: string): Promise<void> };
  for (let i = 0; ; i++) {
    const id = `${prefix}${i}`;
    await current().recordEvents(SUBJECT, [admitted(SUBJECT, id, { filling: 'x'.repeat(2_000) })], countFold);
    await told(id);
  }
}

/** Everything that a store can hold, each with a canary of its own. */
export async function plant(canaries: Record<Planted, string>): Promise<void> {
  const here = current();
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  await here.saveCheckpoint(null, canaries.checkpoint);
  await here.drawRoles(canaries.task, [SUBJECT], () => 'hold-out');
  const { kind, round } = report({ round: 1 });
  const hashes = { rcHash: canaries.round, modelHash: canaries.model, headerHash: canaries.header };
  // So long that Chromium gives it a file of its own.
  const bytes = bytesOf(canaries.report.padEnd(200_000));
  await here.addReport({ taskId: canaries.task, round, kind, ...hashes, bytes });
  await here.writeMemo(canaries.memoName, bytesOf(canaries.memo));
}

export type Planted = 'checkpoint' | 'task' | 'round' | 'model' | 'header' | 'report' | 'memoName' | 'memo';

/** In pieces that Chromium keeps in LevelDB: larger values become files of their own. @returns the code of the error, or null */
export async function writeMegabytes(count: number): Promise<string | null> {
  const piece = new Uint8Array(2 ** 15);
  for (let i = 0; i < 32 * count; i++) {
    crypto.getRandomValues(piece);
    const failed = await outcome(current().writeMemo(`piece ${i}`, piece));
    if (typeof failed === 'string') return failed;
  }
  return null;
}

export async function withdrawAll(categories: readonly Category[]): Promise<void> {
  await withdraw(current(), SUBJECT, categories);
}

export interface Look {
  ids: string[];
  /** A fold of the fixtures counts events, in one byte. */
  features: number | null;
  consents: number;
}

/** What is kept, or the code of the error. */
export async function look(): Promise<Look | string> {
  return outcome(
    (async () => {
      const [twin] = await current().readTwins([SUBJECT]);
      const events = await current().readEvents(SUBJECT);
      const features = twin?.features?.[0] ?? null;
      return { ids: events.map(({ id }) => id), features, consents: twin?.consents.length ?? -1 };
    })(),
  );
}

export async function health(): Promise<Awaited<ReturnType<DexieTwinStore['health']>>> {
  return current().health();
}

export async function persist(): Promise<boolean> {
  return persistDexieStore(NAME);
}

/** What is stored in the bucket, as base64: no script could say what it means. */
export async function ciphertexts(): Promise<string[]> {
  const { storageBuckets } = navigator as unknown as {
    storageBuckets: { open(name: string): Promise<{ indexedDB: IDBFactory }> };
  };
  const bucket = await storageBuckets.open(`twinkeep-${NAME}`);
  const db = await requested(bucket.indexedDB.open(NAME));
  const names = [...db.objectStoreNames];
  const tables = db.transaction(names);
  const rows = await Promise.all(names.map((name) => requested<object[]>(tables.objectStore(name).getAll())));
  db.close();
  const sealed = rows.flat().flatMap((row) => Object.values(row) as unknown[]);
  return sealed
    .filter((value): value is Uint8Array => value instanceof Uint8Array && value.length >= 16)
    .map((value) => btoa(String.fromCharCode(...value.subarray(0, 48))));
}

export function closed(): Promise<string> {
  return current().closed;
}

export async function eraseAll(): Promise<Erasure | string> {
  return outcome(current().eraseAll());
}

export async function eraseUnopened(withoutBuckets: boolean): Promise<Erasure | string> {
  return outcome(eraseDexieStore({ name: NAME, ...(withoutBuckets ? { indexedDB } : {}) }));
}

export function close(): void {
  current().close();
}

/** The platform's, but for the origin of the root key: not extractable either. */
function cryptoWith(rootKey: number[] | undefined): Crypto {
  if (rootKey === undefined) return crypto;
  const { subtle } = crypto;
  const generateKey = (algorithm: AlgorithmIdentifier, extractable: boolean, usages: KeyUsage[]): unknown =>
    usages.includes('wrapKey')
      ? subtle.importKey('raw', Uint8Array.from(rootKey), 'AES-GCM', extractable, usages)
      : subtle.generateKey(algorithm, extractable, usages);
  const own: object = { generateKey };
  const withOwn = <T extends object>(platform: T, more: object): T =>
    new Proxy(platform, {
      get(target, property) {
        const value: unknown = Reflect.get(more, property) ?? Reflect.get(target, property);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  return withOwn(crypto, { subtle: withOwn(subtle, own) });
}

async function outcome<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function requested<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('failed')));
  });
}

function current(): DexieTwinStore {
  if (store === null) throw new Error('open first');
  return store;
}
