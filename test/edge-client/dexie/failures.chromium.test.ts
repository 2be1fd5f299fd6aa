/** What a browser's storage can do to a store: each ends in a code, and leaves something that a later opening can work with. */
import { openDexieStore, type DexieTwinStore } from '@twinkeep/edge-client/dexie';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  admitted,
  ALICE,
  bytes,
  count,
  countFold,
  NOW,
  report,
} from '../../contracts/twin-store-fixtures.ts';
import { grant, withdraw } from './consenting.ts';

let name: string;
const handles: { close(): void }[] = [];

beforeEach(() => {
  name = `failures-${crypto.randomUUID().slice(0, 8)}`;
});
afterEach(async () => {
  for (const handle of handles.splice(0)) handle.close();
  await requested(indexedDB.deleteDatabase(name));
});

/** Without buckets, so that a test can get at the tables. */
async function open(patience?: number): Promise<DexieTwinStore> {
  const options = { name, crypto, clock: () => NOW, indexedDB };
  const store = await openDexieStore(patience === undefined ? options : { ...options, patience });
  handles.push(store);
  return store;
}

async function fill(): Promise<DexieTwinStore> {
  const store = await open();
  await store.addTwin(ALICE, ['crm:1']);
  await grant(store, ALICE, ['behavioral']);
  await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold);
  await store.addReport(report({ round: 1 }));
  await store.saveCheckpoint(null, 'checkpoint');
  return store;
}

/** The database as IndexedDB shows it, for whoever has the profile. */
async function raw<T>(work: (db: IDBDatabase) => Promise<T>): Promise<T> {
  const db = await requested(indexedDB.open(name));
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

function requested<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('failed')));
  });
}

describe('versions', () => {
  /** As the first version was; frozen here, whatever becomes of the schema. */
  const FIRST: Record<string, { keyPath: string | string[]; indexes?: [string, boolean][] }> = {
    key: { keyPath: 'id' },
    twin: { keyPath: 'id', indexes: [['tag', true]] },
    binding: { keyPath: 'id', indexes: [['twin', false]] },
    event: { keyPath: ['twin', 'id'], indexes: [['day', false]] },
    feature: { keyPath: 'twin' },
    consent: { keyPath: 'id', indexes: [['twin', false]] },
    role: { keyPath: ['twin', 'id'] },
    report: {
      keyPath: 'id',
      indexes: [
        ['task', false],
        ['round', true],
        ['model', true],
      ],
    },
    log: { keyPath: 'id' },
  };

  /** Writes the rows of the present store into a database of the first version, in its place. */
  async function goBack(store: DexieTwinStore): Promise<void> {
    store.close();
    const rows = await raw(async (db) => {
      const tables = db.transaction(Object.keys(FIRST));
      const found = new Map<string, unknown[]>();
      for (const table of Object.keys(FIRST))
        found.set(table, await requested(tables.objectStore(table).getAll()));
      return found;
    });
    await requested(indexedDB.deleteDatabase(name));
    const request = indexedDB.open(name, 10);
    request.addEventListener('upgradeneeded', () => {
      for (const [table, { keyPath, indexes = [] }] of Object.entries(FIRST)) {
        const made = request.result.createObjectStore(table, { keyPath });
        for (const [index, unique] of indexes) made.createIndex(index, index, { unique });
        for (const row of rows.get(table) ?? []) made.add(row);
      }
    });
    (await requested(request)).close();
  }

  it('opens a store of the first version with all that is in it, and adds what it lacked', async () => {
    const first = await fill();
    const { id } = await first.deviceKey();
    await goBack(first);
    expect(await raw(async (db) => [db.version, db.objectStoreNames.contains('memo')])).toEqual([10, false]);

    const store = await open();
    expect(store.created).toBe(false);
    expect(await store.findTwin('crm:1')).toBe(ALICE);
    expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(1);
    expect((await store.readEvents(ALICE)).map((event) => event.id)).toEqual(['e1']);
    expect(await store.readReports('task')).toHaveLength(1);
    expect(await store.readCheckpoint()).toBe('checkpoint');
    expect((await store.deviceKey()).id).toBe(id);
    await store.writeMemo('note', bytes(7));
    expect(await (await open()).readMemo('note')).toEqual(bytes(7));
    expect(await raw(async (db) => db.version)).toBe(20);
  });

  it('waits for a tab that holds the first version, and says so where it does not let go', async () => {
    await goBack(await fill());
    const deaf = await requested(indexedDB.open(name));
    await expect(open(200)).rejects.toMatchObject({ code: 'store/blocked' });
    deaf.close();
    expect((await open()).created).toBe(false);
  });

  it('of which another tab has a newer one: this one lets go, and does not open it', async () => {
    const store = await fill();
    const newer = indexedDB.open(name, 30);
    expect(await store.closed).toBe('upgraded');
    (await requested(newer)).close();
    await expect(store.readCheckpoint()).rejects.toMatchObject({ code: 'store/closed' });
    await expect(open()).rejects.toMatchObject({ code: 'store/outdated' });
    expect(await raw(async (db) => db.version)).toBe(30);
  });
});

describe('damage', () => {
  async function change(table: string, work: (rows: IDBObjectStore) => IDBRequest): Promise<void> {
    await raw(async (db) => requested(work(db.transaction(table, 'readwrite').objectStore(table))));
  }

  it.each(['root', 'store'])('the key %s is gone', async (key) => {
    (await fill()).close();
    await change('key', (rows) => rows.delete(key));
    await expect(open()).rejects.toMatchObject({ code: 'store/corrupt' });
  });

  it('the root key is another one', async () => {
    (await fill()).close();
    const other = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'wrapKey',
      'unwrapKey',
    ]);
    await change('key', (rows) => rows.put({ id: 'root', key: other }));
    await expect(open()).rejects.toMatchObject({ code: 'store/unreadable' });
  });

  it.each([
    ['twin', 'wrapped', (store: DexieTwinStore) => store.readTwins([ALICE])],
    ['twin', 'sealed', (store: DexieTwinStore) => store.listTwins(null, 1)],
    ['event', 'sealed', (store: DexieTwinStore) => store.readEvents(ALICE)],
    ['event', 'day', (store: DexieTwinStore) => store.readEvents(ALICE)],
    ['feature', 'sealed', (store: DexieTwinStore) => store.readTwins([ALICE])],
    ['consent', 'sealed', (store: DexieTwinStore) => store.readTwins([ALICE])],
    ['report', 'sealed', (store: DexieTwinStore) => store.readReports('task')],
    ['report', 'bytes', (store: DexieTwinStore) => store.readReports('task')],
    ['log', 'sealed', (store: DexieTwinStore) => store.readCheckpoint()],
  ])('a changed %s.%s is not read', async (table, field, read) => {
    (await fill()).close();
    const [row] = await raw((db) =>
      requested<Record<string, unknown>[]>(db.transaction(table).objectStore(table).getAll()),
    );
    const value = row?.[field];
    const changed =
      value instanceof Uint8Array ? value.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) : Number(value) + 1;
    await change(table, (rows) => rows.put({ ...row, [field]: changed }));
    const store = await open();
    await expect(read(store)).rejects.toMatchObject({ code: 'store/unreadable' });
    expect(await store.eraseAll()).toEqual({ files: 'deleted' });
    expect((await open()).created).toBe(true);
  });

  it('a withdrawal that was taken out of the database does not become a consent again', async () => {
    const store = await fill();
    const before = await raw((db) =>
      requested<{ id: string }[]>(db.transaction('consent').objectStore('consent').getAll()),
    );
    await withdraw(store, ALICE, ['behavioral']);
    store.close();
    await raw(async (db) => {
      const rows = db.transaction('consent', 'readwrite').objectStore('consent');
      await requested(rows.clear());
      for (const row of before) await requested(rows.put(row));
    });
    const again = await open();
    await expect(again.readTwins([ALICE])).rejects.toMatchObject({ code: 'store/unreadable' });
    await expect(again.recordEvents(ALICE, [admitted(ALICE, 'e2')], countFold)).rejects.toMatchObject({
      code: 'store/unreadable',
    });
  });

  it('rows that changed places are not read', async () => {
    const store = await fill();
    await store.recordEvents(ALICE, [admitted(ALICE, 'e2')], countFold);
    store.close();
    const [one, two] = await raw((db) =>
      requested<Record<string, unknown>[]>(db.transaction('event').objectStore('event').getAll()),
    );
    await change('event', (rows) => rows.put({ ...one, sealed: two?.['sealed'] }));
    await expect((await open()).readEvents(ALICE)).rejects.toMatchObject({ code: 'store/unreadable' });
  });
});

describe('an erasure', () => {
  it('that was killed after the keys is ended by the next opening', async () => {
    (await fill()).close();
    await raw(async (db) => {
      const keys = db.transaction('key', 'readwrite').objectStore('key');
      keys.clear();
      await requested(keys.put({ id: 'erasing' }));
    });
    const store = await open();
    expect(store.created).toBe(true);
    expect(await store.listTwins(null, 9)).toEqual([]);
    expect(await store.readReports('task')).toEqual([]);
  });

  it('that somebody holds up says so, and its keys are gone already', async () => {
    const store = await fill();
    const deaf = await requested(indexedDB.open(name));
    expect(await store.eraseAll()).toEqual({ files: 'pending' });
    const keys = await requested(deaf.transaction('key').objectStore('key').getAll());
    expect(keys).toEqual([{ id: 'erasing' }]);
    await expect(open(200)).rejects.toMatchObject({ code: 'store/blocked' });
    deaf.close();
    expect((await open()).created).toBe(true);
  });
});

describe('what is in the clear', () => {
  it('is random or blinded, but for the day of retention', async () => {
    const store = await fill();
    await store.drawRoles('task', [ALICE], () => 'hold-out');
    await store.writeMemo('note', new TextEncoder().encode('memo'));
    const dump = await raw(async (db) => {
      const names = [...db.objectStoreNames];
      const tables = db.transaction(names);
      const all: [string, unknown][] = [];
      for (const table of names) {
        for (const row of await requested<object[]>(tables.objectStore(table).getAll()))
          all.push(
            ...Object.entries(row).map(([field, value]): [string, unknown] => [`${table}.${field}`, value]),
          );
      }
      return all;
    });
    const strings = dump.filter(([, value]) => typeof value === 'string');
    const fixed = ['root', 'store', 'device', 'checkpoint'];
    expect(
      strings.filter(([, value]) => !fixed.includes(value as string) && !/^[\w-]{22}$/.test(value as string)),
    ).toEqual([]);
    expect(dump.filter(([, value]) => typeof value === 'number')).toEqual([
      ['event.day', Math.floor(NOW / 86_400_000) + 29],
    ]);
    const sealed = dump.filter(([, value]) => value instanceof Uint8Array).map(([field]) => field);
    expect([...new Set(sealed)].sort()).toEqual([
      'consent.sealed',
      'event.category',
      'event.sealed',
      'feature.sealed',
      'key.publicKey',
      'key.wrapped',
      'log.sealed',
      'memo.sealed',
      'report.bytes',
      'report.sealed',
      'role.sealed',
      'twin.sealed',
      'twin.wrapped',
    ]);
    const keys = dump.filter(([, value]) => value instanceof CryptoKey);
    expect(keys.map(([field, key]) => [field, (key as CryptoKey).extractable])).toEqual([
      ['key.privateKey', false],
      ['key.key', false],
    ]);
    expect(sealed.length + strings.length + keys.length + 1).toBe(dump.length);
  });

  it('shows no two events as of one category', async () => {
    const store = await fill();
    await store.recordEvents(ALICE, [admitted(ALICE, 'e2'), admitted(ALICE, 'e3')], countFold);
    const rows = await raw((db) =>
      requested<{ category: Uint8Array }[]>(db.transaction('event').objectStore('event').getAll()),
    );
    expect(new Set(rows.map(({ category }) => category.join())).size).toBe(3);
  });
});
