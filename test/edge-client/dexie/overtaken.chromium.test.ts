/** Another tab writes between what a method has read and what it is about to write, at the one moment where that is hardest. */
import { bytesToBase64Url, createLeaf } from '@twinkeep/audit';
import { openDexieStore, type DexieTwinStore } from '@twinkeep/edge-client/dexie';
import type { ConsentReceipt } from '@twinkeep/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createConsentGate } from '../../../edge-client/store/dexie/gate.ts';
import { openKeys } from '../../../edge-client/store/dexie/keys.ts';
import { openDatabase } from '../../../edge-client/store/dexie/lifetime.ts';
import { admitted, ALICE, bytes, count, countFold, NOW } from '../../contracts/twin-store-fixtures.ts';
import { grant, withdraw } from './consenting.ts';

const LEAF = bytesToBase64Url(
  createLeaf({ type: 'consent', at: new Date(NOW), body: 'a.b.c', salt: new Uint8Array(32) }).leaf,
);

let name: string;
let store: DexieTwinStore;
let other: DexieTwinStore;
/** What comes in between, once. */
let meanwhile: (() => Promise<void>) | null = null;

beforeEach(async () => {
  name = `overtaken-${crypto.randomUUID().slice(0, 8)}`;
  store = await openDexieStore({ name, crypto: interruptible(), clock: () => NOW });
  other = await openDexieStore({ name, crypto, clock: () => NOW });
  await store.addTwin(ALICE, []);
  await grant(store, ALICE, ['behavioral', 'feedback']);
  await store.recordEvents(ALICE, [admitted(ALICE, 'b0'), admitted(ALICE, 'f0', {}, 'feedback')], countFold);
});
afterEach(async () => {
  meanwhile = null;
  other.close();
  await store.eraseAll();
});

/** The platform's; its next sealing or export lets `meanwhile` pass. Whoever does that has read, and has not written yet. */
function interruptible(): Crypto {
  const { subtle } = crypto;
  const interrupted =
    (method: (...args: unknown[]) => unknown) =>
    async (...args: unknown[]): Promise<unknown> => {
      const passing = meanwhile;
      meanwhile = null;
      await passing?.();
      return method(...args);
    };
  const hooked = new Proxy(subtle, {
    get(_, property) {
      const method = (subtle[property as 'encrypt'] as (...args: unknown[]) => unknown).bind(subtle);
      return property === 'encrypt' || property === 'exportKey' ? interrupted(method) : method;
    },
  });
  return { subtle: hooked, getRandomValues: crypto.getRandomValues.bind(crypto) } as Crypto;
}

describe('recording', () => {
  it('is overtaken by another record: both are counted', async () => {
    meanwhile = async () => void (await other.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold));
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'b2')], countFold)).toBe(1);
    expect(count((await other.readTwins([ALICE]))[0]?.features)).toBe(4);
  });

  it('is overtaken by the same event: it counts once', async () => {
    meanwhile = async () => void (await other.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold));
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold)).toBe(0);
    expect(count((await other.readTwins([ALICE]))[0]?.features)).toBe(3);
  });

  it('is overtaken by a withdrawal, which this tab has even read: nothing is kept, and nothing fails', async () => {
    meanwhile = async () => {
      await withdraw(other, ALICE, ['behavioral']);
      await store.readTwins([ALICE]);
    };
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold)).toBe(0);
    expect((await store.readEvents(ALICE)).map(({ id }) => id)).toEqual(['f0']);
  });

  it('is overtaken by the end of its twin', async () => {
    meanwhile = async () => other.deleteTwin(ALICE);
    await expect(store.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold)).rejects.toMatchObject({
      code: 'store/unknown-twin',
    });
  });
});

describe('making features anew', () => {
  it('is overtaken by a record: it is in the features', async () => {
    meanwhile = async () => void (await other.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold));
    await store.refoldEvents(ALICE, ['feedback'], (kept) => bytes(kept.length));
    expect(count((await other.readTwins([ALICE]))[0]?.features)).toBe(2);
    expect((await other.readEvents(ALICE)).map(({ id }) => id)).toEqual(['b0', 'b1']);
  });

  it('is overtaken by a withdrawal: its events are in no features', async () => {
    meanwhile = async () => {
      await withdraw(other, ALICE, ['behavioral']);
      await store.readTwins([ALICE]);
    };
    await store.refoldEvents(ALICE, [], (kept) => bytes(kept.length));
    expect(count((await other.readTwins([ALICE]))[0]?.features)).toBe(1);
  });
});

describe('a chain of consents', () => {
  it('that grows while a receipt comes in has both', async () => {
    meanwhile = async () => withdraw(other, ALICE, ['behavioral']);
    await store.addReceipts([await receiptOf(LEAF)]);
    expect(await logged()).toEqual([true, false]);
  });

  it('takes no receipt that cannot be read, and stays readable', async () => {
    await expect(store.addReceipts([await receiptOf('bGVhZg')])).rejects.toMatchObject({
      code: 'leaf/malformed',
    });
    expect(await logged()).toEqual([false]);
    expect(await store.recordEvents(ALICE, [admitted(ALICE, 'b1')], countFold)).toBe(1);
  });

  it('that grows meanwhile takes no second end', async () => {
    meanwhile = async () => withdraw(other, ALICE, ['behavioral']);
    await expect(withdraw(store, ALICE, ['feedback'])).rejects.toMatchObject({ code: 'store/conflict' });
    expect((await store.readTwins([ALICE]))[0]?.consents).toHaveLength(2);
  });

  async function receiptOf(leaf: string): Promise<ConsentReceipt> {
    const [first] = await store.pendingConsents(1);
    return { event: first?.id ?? '', index: 3, leaf, salt: 'c2FsdA', proof: 'a proof' };
  }

  /** Which consents have a receipt, oldest first. */
  async function logged(): Promise<boolean[]> {
    const [twin] = await other.readTwins([ALICE]);
    return (twin?.consents ?? []).map(({ receipt }) => receipt !== null);
  }
});

it('a checkpoint that moves meanwhile is not moved again', async () => {
  await store.saveCheckpoint(null, 'one');
  meanwhile = async () => other.saveCheckpoint('one', 'two');
  await expect(store.saveCheckpoint('one', 'three')).rejects.toMatchObject({ code: 'store/conflict' });
  expect(await store.readCheckpoint()).toBe('two');
});

it('a device key that another tab makes meanwhile is the device key', async () => {
  const fresh = `${name}-device`;
  const options = { name: fresh, clock: () => NOW };
  const first = await openDexieStore({ ...options, crypto: interruptible() });
  const second = await openDexieStore({ ...options, crypto });
  let id = '';
  meanwhile = async () => void ({ id } = await second.deviceKey());
  expect((await first.deviceKey()).id).toBe(id);
  expect((await second.deviceKey()).id).toBe(id);
  second.close();
  await first.eraseAll();
});

it('keys that two tabs make at the same time are the same keys', async () => {
  const fresh = `${name}-keys`;
  const open = (): ReturnType<typeof openDatabase> =>
    openDatabase(indexedDB, createConsentGate(() => NOW).middleware, fresh, 5_000);
  const handles = [await open(), await open()];
  const keys = await Promise.all(handles.map(({ db }) => openKeys(db, crypto)));
  const tags: unknown[] = [];
  for (const key of keys) tags.push(await key?.cipher.tag('subject', ALICE));
  expect(tags[0]).toBe(tags[1]);
  expect(new Set(keys.map((key) => key?.created))).toEqual(new Set([false, true]));
  for (const { lifetime } of handles) lifetime.end('closed');
  indexedDB.deleteDatabase(fresh);
});
