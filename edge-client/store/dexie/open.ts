/**
 * The browser's store: the port of the edge client over IndexedDB, through Dexie. Any number of tabs and workers of an origin share it.
 *
 * Trust: the storage below is trusted to keep what it is given, and not to keep it secret: see cipher.ts for what its files show, gate.ts
 * for consent, erase.ts for what an erasure is worth. Rows are authenticated one by one; whoever can write to the profile can bring
 * back an older state of the whole store, which the log's checkpoint shows as soon as the coordinator is asked.
 *
 * Every call ends: with its effect durable ('strict' transactions, which reach the disk), or with a coded error and nothing changed.
 */
import type { CustomerEvent, SigningKey } from '@twinkeep/protocol';
import { StoreError, type StoreErrorCode } from '../errors.ts';
import type { TwinStore } from '../port.ts';
import {
  addReceipts,
  addTwin,
  appendConsents,
  deleteTwin,
  findTwin,
  listTwins,
  pendingConsents,
} from './consents.ts';
import { eraseDexieStore, type Erasure } from './erase.ts';
import { currentTransaction, readEvents, readTwins, recordEvents, refoldEvents } from './events.ts';
import { StaleError, toOpenError, toStoreError } from './failure.ts';
import { createConsentGate } from './gate.ts';
import { openDeviceKey, openKeys } from './keys.ts';
import { openDatabase, requirePlace, type Lifetime, type StoreEnding } from './lifetime.ts';
import { readCheckpoint, readMemo, saveCheckpoint, writeMemo } from './log.ts';
import type { StoragePlace, StoreHealth } from './place.ts';
import { addReport, readReports, settleReport } from './reports.ts';
import { drawRoles } from './roles.ts';
import type { StoreDatabase } from './schema.ts';
import { collectRule, createTwinReader, type CollectRule, type StoreContext } from './twins.ts';

export interface DexieStoreOptions {
  /** Of the database and its bucket; visible in the profile, so it names no person. `/^[a-z0-9][a-z0-9_-]{0,47}$/` */
  name: string;
  crypto: Crypto;
  /** Milliseconds since 1970; consents end by it. */
  clock: () => number;
  /** Instead of the platform's: then the store lies in no bucket. */
  indexedDB?: IDBFactory | undefined;
  /** What the consent gate goes by. Default: the fold of each twin's chain, operation `collect`, any purpose. */
  rule?: CollectRule;
  /** How long another tab may hold the opening up, in milliseconds. */
  patience?: number;
}

export interface DexieTwinStore extends TwinStore {
  /** The signing key of this device, made at the first call; the same in all tabs. @throws StoreError 'store/unavailable' without Ed25519 */
  deviceKey(): Promise<SigningKey>;
  /** All kept events of a twin, oldest first, for the person's own copy. @throws StoreError 'store/unknown-twin', 'store/unreadable' */
  readEvents(subject: string): Promise<CustomerEvent[]>;
  /** Something small that the twin remembers, sealed like all else; null where there is none. */
  readMemo(name: string): Promise<Uint8Array | null>;
  /** @param content null: forget it */
  writeMemo(name: string, content: Uint8Array | null): Promise<void>;
  health(): Promise<StoreHealth>;
  /** Destroys the keys, then all else, for all tabs. This handle is closed afterwards. See erase.ts for what that proves. */
  eraseAll(): Promise<Erasure>;
  /** The same, for those who do not ask what it proves. */
  destroy(): Promise<void>;
  /** Running calls end with 'store/closed'. */
  close(): void;
  /** Resolves when the handle ends, whoever ended it. */
  readonly closed: Promise<StoreEnding>;
  /** Did this opening make the store? True where a twin was expected: it was evicted or erased. */
  readonly created: boolean;
}

/** @throws StoreError 'store/unavailable', 'store/blocked', 'store/outdated', 'store/corrupt', 'store/full', 'store/unreadable' */
export async function openDexieStore(options: DexieStoreOptions): Promise<DexieTwinStore> {
  const { name, crypto } = options;
  if (!/^[a-z0-9][a-z0-9_-]{0,47}$/.test(name))
    throw new RangeError('the name of a store is short and plain');
  if ((crypto as Partial<Crypto>).subtle === undefined)
    throw new StoreError('store/unavailable', 'WebCrypto needs a secure context');
  for (let attempt = 1; ; attempt++) {
    try {
      return await openOnce(options);
    } catch (error) {
      if (attempt === ATTEMPTS || hasCode(error, 'store/outdated')) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE * attempt));
    }
  }
}

/**
 * Another tab may erase the store while this one opens it. Chromium has all sorts of errors for a bucket that is gone, a used-up
 * quota among them, and sometimes no answer, so any failure is looked into again; each attempt asks for the place anew.
 */
const ATTEMPTS = 4;
/** Milliseconds between the first two attempts; more after each. */
const PAUSE = 40;
/**
 * Milliseconds for all attempts: an opening waits for every tab that holds an older version, or one that is to be deleted, and such a
 * tab may be frozen. The browser does not always say that it waits.
 */
const PATIENCE = 16_000;

async function openOnce(options: DexieStoreOptions): Promise<DexieTwinStore> {
  const { name, crypto, clock, indexedDB, rule = collectRule, patience = PATIENCE } = options;
  const place = await requirePlace(name, indexedDB);
  const gate = createConsentGate(clock);
  const { db, lifetime } = await openDatabase(place.indexedDB, gate.middleware, name, patience / ATTEMPTS);
  try {
    const keys = await openKeys(db, crypto);
    if (keys === null) {
      lifetime.end('closed');
      await eraseDexieStore({ name, indexedDB });
      throw closedError();
    }
    const parts = { db, crypto, keys, gate, clock, rule };
    return createStore({ ...parts, twins: createTwinReader(parts) }, lifetime, place, options);
  } catch (error) {
    lifetime.end('closed');
    throw toOpenError(error);
  }
}

function createStore(
  context: StoreContext,
  lifetime: Lifetime,
  place: StoragePlace,
  { name, indexedDB }: DexieStoreOptions,
): DexieTwinStore {
  const run = createRunner(lifetime, context.db);
  const eraseAll = async (): Promise<Erasure> => {
    lifetime.end('gone');
    return eraseDexieStore({ name, indexedDB });
  };
  return {
    ...createPort(context, run),
    ...createExtras(context, run, place),
    eraseAll,
    destroy: async () => void (await eraseAll()),
    close: () => lifetime.end('closed'),
    closed: lifetime.closed,
  };
}

/**
 * Runs a method: again where another tab was faster, which is progress of that tab, so that this ends; errors get their codes. In this
 * tab, methods that read and then write wait for each other, since only one of them could succeed.
 */
interface Runner {
  now<T>(work: () => Promise<T>): Promise<T>;
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

function createRunner(lifetime: Lifetime, db: StoreDatabase): Runner {
  /** A store that is taken away answers with all sorts of errors, a used-up quota among them, before it is said to be closed. */
  const isGone = async (): Promise<boolean> =>
    lifetime.ended() ||
    (await db.key.get('root').then(
      (key) => key === undefined,
      () => true,
    ));
  const now: Runner['now'] = async (work) => {
    for (;;) {
      if (lifetime.ended()) throw closedError();
      try {
        return await work();
      } catch (error) {
        const mapped = toStoreError(error);
        if (mapped instanceof StaleError) continue;
        throw !(error instanceof StoreError) && (await isGone()) ? closedError() : mapped;
      }
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    now,
    inTurn(work) {
      const turn = last.then(() => now(work));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

function createPort(context: StoreContext, { now, inTurn }: Runner): TwinStore {
  const { db, gate } = context;
  return {
    addTwin: (subject, bindings) => now(() => addTwin(context, subject, bindings)),
    findTwin: (binding) => now(() => findTwin(context, binding)),
    listTwins: (after, limit) => now(() => listTwins(context, after, limit)),
    readTwins: (subjects) => now(() => readTwins(context, subjects)),
    deleteTwin: (subject) => now(() => deleteTwin(context, subject)),
    recordEvents: (subject, events, fold) => inTurn(() => recordEvents(context, subject, events, fold)),
    refoldEvents: (subject, forget, fold) => inTurn(() => refoldEvents(context, subject, forget, fold)),
    expireEvents: (day) =>
      now(() => db.transaction('rw', db.event, async () => gate.expire(currentTransaction(), day))),
    appendConsents: (subject, after, consents) =>
      inTurn(() => appendConsents(context, subject, after, consents)),
    pendingConsents: (limit) => now(() => pendingConsents(context, limit)),
    addReceipts: (receipts) => inTurn(() => addReceipts(context, receipts)),
    drawRoles: (taskId, subjects, draw) => now(() => drawRoles(context, taskId, subjects, draw)),
    readCheckpoint: () => now(() => readCheckpoint(context)),
    saveCheckpoint: (previous, next) => now(() => saveCheckpoint(context, previous, next)),
    addReport: (report) => now(() => addReport(context, report)),
    readReports: (taskId) => now(() => readReports(context, taskId)),
    settleReport: (rcHash, outcome) => now(() => settleReport(context, rcHash, outcome)),
  };
}

function createExtras(
  context: StoreContext,
  { now }: Runner,
  place: StoragePlace,
): Omit<DexieTwinStore, keyof TwinStore | 'eraseAll' | 'destroy' | 'close' | 'closed'> {
  return {
    deviceKey: () => now(() => openDeviceKey(context.db, context.crypto)),
    readEvents: (subject) => now(() => readEvents(context, subject)),
    readMemo: (name) => now(() => readMemo(context, name)),
    writeMemo: (name, content) => now(() => writeMemo(context, name, content)),
    health: () => now(() => place.estimate()),
    created: context.keys.created,
  };
}

function closedError(): StoreError {
  return new StoreError('store/closed', 'the store is closed');
}

function hasCode(error: unknown, code: StoreErrorCode): boolean {
  return error instanceof StoreError && error.code === code;
}
