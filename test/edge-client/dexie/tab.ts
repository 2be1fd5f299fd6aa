/** What a tab of a host app does with the store, as functions that a test calls in a page. */
import type { Category } from '@twinkeep/consent';
import {
  eraseDexieStore,
  openDexieStore,
  type DexieStoreOptions,
  type DexieTwinStore,
  type Erasure,
} from '@twinkeep/edge-client/dexie';
import type { CustomerEvent } from '@twinkeep/protocol';
import { admitted, ALICE, countFold, NOW, report } from '../../contracts/twin-store-fixtures.ts';
import { grant, withdraw } from './consenting.ts';

const NAME = 'tab';
let store: DexieTwinStore | null = null;

type Options = Partial<DexieStoreOptions> & {
  /** Take the IndexedDB of the origin instead of a bucket. */
  withoutBuckets?: boolean;
};

/** @returns 'created' or 'found', or the code of the error */
export async function open({ withoutBuckets, ...options }: Options = {}): Promise<string> {
  const place = withoutBuckets === true ? { indexedDB } : {};
  const opened = await outcome(
    openDexieStore({ name: NAME, crypto, clock: () => NOW, ...place, ...options }),
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
  await current().addTwin(ALICE, bindings);
  const { id } = await current().deviceKey();
  await grant(current(), ALICE, categories);
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
  return outcome(current().recordEvents(ALICE, [admitted(ALICE, id, data, category)], countFold));
}

/** Events one by one until something ends it; the test, which exposes `told`, hears of each that is durable. */
export async function recordOnAndOn(prefix: string): Promise<void> {
  const { told } = globalThis as unknown as { told(id: string): Promise<void> };
  for (let i = 0; ; i++) {
    const id = `${prefix}${i}`;
    await current().recordEvents(ALICE, [admitted(ALICE, id, { filling: 'x'.repeat(2_000) })], countFold);
    await told(id);
  }
}

/** Everything that a store can hold, each with a canary of its own. */
export async function plant(canaries: Record<Planted, string>): Promise<void> {
  const here = current();
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  await here.saveCheckpoint(null, canaries.checkpoint);
  await here.drawRoles(canaries.task, [ALICE], () => 'hold-out');
  const { kind, round } = report({ round: 1 });
  const hashes = { rcHash: canaries.round, modelHash: canaries.model, headerHash: canaries.header };
  await here.addReport({ taskId: canaries.task, round, kind, ...hashes, bytes: bytesOf(canaries.report) });
  await here.writeMemo(canaries.memoName, bytesOf(canaries.memo));
}

export type Planted = 'checkpoint' | 'task' | 'round' | 'model' | 'header' | 'report' | 'memoName' | 'memo';

export async function withdrawAll(categories: readonly Category[]): Promise<void> {
  await withdraw(current(), ALICE, categories);
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
      const [twin] = await current().readTwins([ALICE]);
      const events = await current().readEvents(ALICE);
      const features = twin?.features?.[0] ?? null;
      return { ids: events.map(({ id }) => id), features, consents: twin?.consents.length ?? -1 };
    })(),
  );
}

export async function health(): Promise<Awaited<ReturnType<DexieTwinStore['health']>>> {
  return current().health();
}

export async function persist(): Promise<boolean> {
  return current().persist();
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

async function outcome<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function current(): DexieTwinStore {
  if (store === null) throw new Error('open first');
  return store;
}
