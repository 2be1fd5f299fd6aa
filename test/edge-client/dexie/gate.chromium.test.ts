/** Consent below every query: whatever asks the database for events gets those that may be kept, and no others get in. */
import { CATEGORIES } from '@twinkeep/consent';
import { openDexieStore, type DexieTwinStore } from '@twinkeep/edge-client/dexie';
import { Dexie, type Collection } from 'dexie';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createConsentGate } from '../../../edge-client/store/dexie/gate.ts';
import { openKeys } from '../../../edge-client/store/dexie/keys.ts';
import { openDatabase } from '../../../edge-client/store/dexie/lifetime.ts';
import type { EventRow, StoreDatabase } from '../../../edge-client/store/dexie/schema.ts';
import { collectRule, createTwinReader, type TwinReader } from '../../../edge-client/store/dexie/twins.ts';
import {
  admitted,
  ALICE,
  BOB,
  bytes,
  count,
  countFold,
  DAY,
  NOW,
} from '../../contracts/twin-store-fixtures.ts';
import { grant, withdraw } from './consenting.ts';

// On localhost it would print every error that a test provokes.
Dexie.debug = false;

let now = NOW;
let name: string;
let store: DexieTwinStore;
const handles: { close(): void }[] = [];

beforeEach(async () => {
  now = NOW;
  name = `gate-${crypto.randomUUID().slice(0, 8)}`;
  store = await open();
  await store.addTwin(ALICE, []);
});
afterEach(async () => {
  for (const handle of handles.splice(0)) handle.close();
  await (await open()).eraseAll();
});

async function open(): Promise<DexieTwinStore> {
  const opened = await openDexieStore({ name, crypto, clock: () => now, indexedDB });
  handles.push(opened);
  return opened;
}

/** The tables themselves, as code that knows nothing of consent would use them. */
async function openTables(): Promise<{ db: StoreDatabase; twins: TwinReader; alice: string }> {
  const clock = (): number => now;
  const gate = createConsentGate(clock);
  const { db, lifetime } = await openDatabase(indexedDB, gate.middleware, name, 5_000);
  handles.push({ close: () => lifetime.end('closed') });
  const keys = await openKeys(db, crypto);
  if (keys === null) throw new Error('the store is being erased');
  const twins = createTwinReader({ db, crypto, keys, gate, clock, rule: collectRule });
  return { db, twins, alice: (await twins.get(ALICE)).row.id };
}

/** What is stored, seen from below the gate. */
async function rawEvents(): Promise<EventRow[]> {
  const raw = new Dexie(name);
  try {
    await raw.open();
    return await raw.table<EventRow>('event').toArray();
  } finally {
    raw.close();
  }
}

describe('what is recorded', () => {
  it('is nothing without consent, and only the consented categories with it', async () => {
    const events = [admitted(ALICE, 'b'), admitted(ALICE, 'f', {}, 'feedback')];
    expect(await store.recordEvents(ALICE, events, countFold)).toBe(0);
    await grant(store, ALICE, ['feedback']);
    expect(await store.recordEvents(ALICE, events, countFold)).toBe(1);
    expect((await store.readEvents(ALICE)).map(({ id }) => id)).toEqual(['f']);
    expect(await rawEvents()).toHaveLength(1);
    expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(1);
  });

  it('goes by the consents of its own twin', async () => {
    await store.addTwin(BOB, []);
    await grant(store, ALICE, ['behavioral']);
    expect(await store.recordEvents(BOB, [admitted(BOB, 'b')], countFold)).toBe(0);
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'b')], countFold)).toBe(1);
  });

  it('ends with the consent, on the clock', async () => {
    await grant(store, ALICE, ['behavioral'], NOW + 30 * DAY);
    await store.recordEvents(ALICE, [admitted(ALICE, 'b')], countFold);
    now = NOW + 30 * DAY;
    expect(await store.readEvents(ALICE)).toEqual([]);
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'c')], countFold)).toBe(0);
    expect(await rawEvents()).toHaveLength(1);
    await store.refoldEvents(ALICE, [], (kept) => bytes(kept.length));
    expect(await rawEvents()).toEqual([]);
    expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(0);
  });
});

describe('a withdrawal', () => {
  beforeEach(async () => {
    await grant(store, ALICE, ['behavioral', 'feedback']);
    const events = [admitted(ALICE, 'b1'), admitted(ALICE, 'b2'), admitted(ALICE, 'f', {}, 'feedback')];
    await store.recordEvents(ALICE, events, countFold);
  });

  it('takes its events and what was made of them along, at once', async () => {
    await withdraw(store, ALICE, ['behavioral']);
    expect(await rawEvents()).toHaveLength(1);
    expect((await store.readTwins([ALICE]))[0]?.features).toBeNull();
    expect((await store.readEvents(ALICE)).map(({ id }) => id)).toEqual(['f']);
  });

  it('leaves features dropped until they are made anew from what is kept', async () => {
    await withdraw(store, ALICE, ['behavioral']);
    const again = await open();
    expect(await again.recordEvents(ALICE, [admitted(ALICE, 'f2', {}, 'feedback')], countFold)).toBe(1);
    expect((await again.readTwins([ALICE]))[0]?.features).toBeNull();
    await again.refoldEvents(ALICE, [], (kept) => bytes(kept.length));
    expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(2);
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'f3', {}, 'feedback')], countFold)).toBe(1);
    expect(count((await again.readTwins([ALICE]))[0]?.features)).toBe(3);
  });

  it('of what holds no events leaves everything as it is', async () => {
    await grant(store, ALICE, ['contextual']);
    expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(3);
    expect(await rawEvents()).toHaveLength(3);
  });

  it('counts for another handle that has read the consents before, without a message', async () => {
    const other = await open();
    expect(await other.readEvents(ALICE)).toHaveLength(3);
    await withdraw(store, ALICE, ['behavioral']);
    expect(await other.recordEvents(ALICE, [admitted(ALICE, 'b3')], countFold)).toBe(0);
    expect((await other.readEvents(ALICE)).map(({ id }) => id)).toEqual(['f']);
    expect(await rawEvents()).toHaveLength(1);
  });

  it('that comes while another handle records lets nothing through, whoever is faster', async () => {
    const other = await open();
    const ids = Array.from({ length: 12 }, (_, i) => `x${i}`);
    await Promise.all([
      ...ids.map((id) => other.recordEvents(ALICE, [admitted(ALICE, id)], countFold)),
      withdraw(store, ALICE, ['behavioral']),
    ]);
    expect(await rawEvents()).toHaveLength(1);
    expect((await store.readTwins([ALICE]))[0]?.features).toBeNull();
  });
});

describe('no way around', () => {
  type Read = (db: StoreDatabase, alice: string, day: number) => PromiseLike<unknown>;
  const all = (db: StoreDatabase): Collection<EventRow, [string, string]> => db.event.toCollection();
  const collect = async (run: (found: unknown[]) => PromiseLike<unknown>): Promise<unknown[]> => {
    const found: unknown[] = [];
    await run(found);
    return found;
  };
  const reads: Record<string, Read> = {
    toArray: (db) => db.event.toArray(),
    count: (db) => db.event.count(),
    filter: (db) => db.event.filter(() => true).toArray(),
    'filter count': (db) => db.event.filter(() => true).count(),
    each: (db) => collect((found) => db.event.each((row) => void found.push(row))),
    eachKey: (db) => collect((found) => db.event.orderBy('day').eachKey((key) => void found.push(key))),
    eachPrimaryKey: (db) => collect((found) => all(db).eachPrimaryKey((key) => void found.push(key))),
    primaryKeys: (db) => all(db).primaryKeys(),
    keys: (db) => db.event.orderBy('day').keys(),
    uniqueKeys: (db) => db.event.orderBy('day').uniqueKeys(),
    first: (db) => all(db).first(),
    last: (db) => all(db).last(),
    reverse: (db) => all(db).reverse().toArray(),
    offset: (db) => db.event.offset(1).toArray(),
    limit: (db) => db.event.limit(1).toArray(),
    'offset and limit': (db) => db.event.orderBy('day').offset(1).limit(1).toArray(),
    sortBy: (db) => all(db).sortBy('day'),
    until: (db) =>
      all(db)
        .until(() => false)
        .toArray(),
    distinct: (db) => db.event.orderBy('day').distinct().toArray(),
    'where twin': (db, alice) => db.event.where('twin').equals(alice).toArray(),
    'where day': (db, _, day) => db.event.where('day').equals(day).toArray(),
    'where above': (db) => db.event.where('day').above(0).toArray(),
    'where anyOf': (db, _, day) =>
      db.event
        .where('day')
        .anyOf(day, day + 1)
        .toArray(),
    'where notEqual': (db) => db.event.where('day').notEqual(1).toArray(),
    or: (db, _, day) => db.event.where('day').equals(day).or('day').above(0).toArray(),
    and: (db, _, day) =>
      db.event
        .where('day')
        .equals(day)
        .and(() => true)
        .toArray(),
    liveQuery: (db) =>
      new Promise((resolve, reject) => {
        Dexie.liveQuery(() => db.event.toArray()).subscribe(resolve, reject);
      }),
    'in a transaction': (db) => db.transaction('r', db.event, () => db.event.toArray()),
    'in a larger transaction': (db) =>
      db.transaction('rw', db.tables, () => db.transaction('r', db.event, () => db.event.toArray())),
    core: (db) =>
      db.transaction('r', db.event, (trans) =>
        db.event.core
          .query({
            trans: trans.idbtrans,
            values: true,
            query: {
              index: db.event.core.schema.primaryKey,
              range: { type: 3, lower: undefined, upper: undefined },
            },
          })
          .then(({ result }) => result),
      ),
    modify: (db) => all(db).modify(() => undefined),
  };
  const seen = (answer: unknown): number =>
    Array.isArray(answer)
      ? answer.length
      : typeof answer === 'number'
        ? answer
        : answer === undefined
          ? 0
          : 1;

  let tables: Awaited<ReturnType<typeof openTables>>;
  let rows: EventRow[];

  /** One event of a category that ends, and one that stays, the one that ends first. */
  beforeEach(async () => {
    await grant(store, ALICE, ['behavioral'], NOW + DAY);
    await grant(store, ALICE, ['feedback']);
    const events = ['1', '2', '3'].map((id) => admitted(ALICE, `b${id}`));
    await store.recordEvents(ALICE, events, countFold);
    tables = await openTables();
    rows = await rawEvents();
    expect(rows).toHaveLength(3);
  });

  it.each(Object.entries(reads))('%s', async (how, read) => {
    const { db, alice } = tables;
    const day = rows[0]?.day as number;
    expect(seen(await read(db, alice, day)), `${how} while it is allowed`).toBeGreaterThan(0);
    now = NOW + DAY;
    expect(seen(await read(db, alice, day)), how).toBe(0);
    expect(await rawEvents()).toHaveLength(3);
  });

  it('by key', async () => {
    const { db } = tables;
    const keys = rows.map(({ twin, id }): [string, string] => [twin, id]);
    const [twin, id] = keys[0] as [string, string];
    const byKey = async (): Promise<unknown[]> => [
      await db.event.get([twin, id]),
      await db.event.get({ twin, id }),
      ...(await db.event.bulkGet(keys)),
    ];
    expect((await byKey()).every((row) => row !== undefined)).toBe(true);
    now = NOW + DAY;
    expect((await byKey()).every((row) => row === undefined)).toBe(true);
    expect(await db.event.update([twin, id], { day: 0 })).toBe(0);
    expect(await rawEvents()).toEqual(rows);
  });

  it('shows the others of a mixed table in full', async () => {
    await store.recordEvents(ALICE, [admitted(ALICE, 'f', {}, 'feedback')], countFold);
    now = NOW + DAY;
    const { db } = tables;
    const kept = await db.event.toArray();
    expect(kept).toHaveLength(1);
    expect(await db.event.count()).toBe(1);
    expect(await db.event.limit(1).toArray()).toEqual(kept);
    expect(await db.event.filter(() => true).toArray()).toEqual(kept);
    expect(await db.event.toCollection().last()).toEqual(kept[0]);
    expect(await db.event.orderBy('day').keys()).toEqual([kept[0]?.day]);
  });

  it.each<[string, (db: StoreDatabase, row: EventRow) => PromiseLike<unknown>]>([
    ['add', (db, row) => db.event.add({ ...row, day: 1 })],
    ['put', (db, row) => db.event.put({ ...row, day: 1 })],
    ['bulkAdd', (db, row) => db.event.bulkAdd([{ ...row, day: 1 }])],
    ['bulkPut', (db, row) => db.event.bulkPut([{ ...row, day: 1 }])],
    ['upsert', (db, row) => db.event.upsert([row.twin, row.id], { ...row, day: 1 })],
  ])('to write: %s', async (_, write) => {
    const { db } = tables;
    const row = rows[0] as EventRow;
    await db.event.delete([row.twin, row.id]);
    now = NOW + DAY;
    await expect(write(db, row)).rejects.toMatchObject({ code: 'store/not-consented' });
    expect(await rawEvents()).toHaveLength(2);
  });

  it('for a row whose tag was made for another row, another category or another twin, or by nobody', async () => {
    const { db, twins } = tables;
    const row = rows[0] as EventRow;
    const { categories } = (await twins.get(ALICE)).cipher;
    const tags: unknown[] = [
      rows[1]?.category,
      categories.create(row.id, 'psychographic'),
      new Uint8Array(8),
      undefined,
      'behavioral',
    ];
    for (const category of tags) {
      await expect(db.event.put({ ...row, category: category as Uint8Array })).rejects.toMatchObject({
        code: 'store/not-consented',
      });
    }
    await store.addTwin(BOB, []);
    const bob = (await twins.get(BOB)).row.id;
    await expect(db.event.put({ ...row, twin: bob })).rejects.toMatchObject({ code: 'store/not-consented' });
    expect(CATEGORIES.some((category) => categories.isAmong(row.id, row.category, new Set([category])))).toBe(
      true,
    );
  });

  it('with consents that were read before they changed', async () => {
    const { db, twins } = tables;
    await withdraw(store, ALICE, ['feedback']);
    await expect(db.event.toArray()).rejects.toThrow('not read yet');
    await expect(db.event.each(() => undefined)).rejects.toThrow('not read yet');
    await expect(db.event.put(rows[0] as EventRow)).rejects.toThrow('not read yet');
    await twins.get(ALICE);
    expect(await db.event.toArray()).toHaveLength(3);
  });

  it('hides the events of a twin that is not there, and deletes them with the others', async () => {
    const raw = new Dexie(name);
    await raw.open();
    await raw.table<EventRow>('event').put({ ...(rows[0] as EventRow), twin: 'nobody' });
    raw.close();
    expect(await tables.db.event.toArray()).toHaveLength(3);
    expect(await store.expireEvents((rows[0]?.day as number) + 1)).toBe(4);
    expect(await rawEvents()).toEqual([]);
  });
});

describe('deleting', () => {
  it('expires hidden events too', async () => {
    await grant(store, ALICE, ['behavioral'], NOW + DAY);
    await store.recordEvents(ALICE, [admitted(ALICE, 'b')], countFold);
    now = NOW + DAY;
    expect(await store.expireEvents(Math.floor(NOW / DAY) + 40)).toBe(1);
    expect(await rawEvents()).toEqual([]);
  });

  it('deletes the hidden events of a deleted twin', async () => {
    await grant(store, ALICE, ['behavioral'], NOW + DAY);
    await store.recordEvents(ALICE, [admitted(ALICE, 'b')], countFold);
    now = NOW + DAY;
    await store.deleteTwin(ALICE);
    expect(await rawEvents()).toEqual([]);
  });
});
