import {
  bytesToBase64Url,
  createLeaf,
  createLog,
  createNoteKey,
  createSigner,
  noteKeyToVkey,
  type Log,
} from '@twinkeep/audit';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  createLogWitness,
  type HeadStore,
  type LogReads,
  type LogWitness,
} from '../../demo/pages/status/log.ts';
import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';

const origin = 'demo.example/log';
const signer = createSigner(new Uint8Array(32).fill(3));
const vkey = noteKeyToVkey(createNoteKey(origin, signer.publicKey));
const MAY_3 = Date.parse('2026-05-03T12:05:00Z');

let log: Log;
let store: HeadStore & { items: Map<string, string> };
let now: number;
beforeEach(async () => {
  log = await grownLog(5, 'a');
  store = memoryStorage();
  now = MAY_3;
});

const witness = (reads: LogReads = readsOf(log)): LogWitness =>
  createLogWitness(vkey, reads, store, () => now);

test('the first sight of a log is said to be one, and what follows is checked against it', async () => {
  const first = witness();
  expect(await first.look()).toMatchObject({ verdict: 'first', size: 5, origin });
  await grow(log, 3, 'b');
  const view = await first.look();
  expect(view).toMatchObject({ verdict: 'first', size: 8 });
  expect(view.sentence).toMatch(/first time.* noted 5 entries/);
});

test('a later visit says what this browser saw, and when', async () => {
  await witness().look();
  await grow(log, 9, 'b');
  now += 3 * 86_400_000;
  const view = await witness().look();
  expect(view).toMatchObject({ verdict: 'continues', size: 14 });
  expect(view.sentence).toMatch(/still contains everything that this browser saw on 3 May, .*\(5 entries\)/);
});

describe('a log is not to be trusted', () => {
  /** What was seen is kept: the other log is never accepted, and the honest one still is. */
  const expectBroken = async (reads: LogReads): Promise<void> => {
    expect(await witness(reads).look()).toMatchObject({ verdict: 'broken' });
    expect(await witness(reads).look()).toMatchObject({ verdict: 'broken' });
    expect(await witness().look()).toMatchObject({ verdict: 'continues' });
  };

  test('when an entry was changed', async () => {
    await witness().look();
    await expectBroken(readsOf(await grownLog(9, 'other')));
  });

  test('when it has the same length and another content', async () => {
    await witness().look();
    await expectBroken(readsOf(await grownLog(5, 'other')));
  });

  test('when it is shorter', async () => {
    await witness().look();
    await expectBroken(readsOf(await grownLog(4, 'a')));
  });

  test('when its coordinator has no proof', async () => {
    await witness().look();
    await grow(log, 2, 'b');
    await expectBroken({ ...readsOf(log), consistency: async () => null });
  });

  test.each([[['no hash']], [[]], [['AAAA']]])('when the proof is %j', async (proof) => {
    await witness().look();
    await grow(log, 2, 'b');
    await expectBroken({ ...readsOf(log), consistency: async () => proof });
  });

  test('when another key signed its head', async () => {
    await witness().look();
    const forged = createSigner(new Uint8Array(32).fill(4));
    await expectBroken(readsOf(await grownLog(9, 'a', forged)));
  });
});

test('a network that fails judges nothing', async () => {
  const reads = { ...readsOf(log), checkpoint: () => Promise.reject(new TypeError('offline')) };
  await expect(witness(reads).look()).rejects.toThrow('offline');
  expect(await witness().look()).toMatchObject({ verdict: 'first' });
});

test('another tab may have seen more meanwhile: its head is kept', async () => {
  const slow = witness();
  await slow.look();
  const early = (await log.head())!.note;
  const behind = witness({
    ...readsOf(log),
    // While this tab waits for the head, another one sees a newer one.
    checkpoint: async () => {
      await grow(log, 4, 'b');
      await slow.look();
      return early;
    },
  });
  expect(await behind.look()).toMatchObject({ verdict: 'continues', size: 5 });
  expect(await witness().look()).toMatchObject({ verdict: 'continues', size: 9 });
  expect(JSON.parse([...store.items.values()][0]!)).toMatchObject({ note: (await log.head())!.note });
});

test.each(['', 'null', '{"note":7}', '{"note":"x","at":1}', '[', '{"at":3}'])(
  'storage that holds %j is no memory',
  async (text) => {
    store.setItem(`twinkeep/log-head/${vkey}`, text);
    expect(await witness().look()).toMatchObject({ verdict: 'first' });
  },
);

test('storage that takes nothing makes every sight the first', async () => {
  store.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  expect(await witness().look()).toMatchObject({ verdict: 'first' });
  expect(await witness().look()).toMatchObject({ verdict: 'first' });
});

test('another log has a memory of its own', async () => {
  await witness().look();
  const key = createSigner(new Uint8Array(32).fill(9));
  const other = await grownLog(2, 'z', key);
  const own = createLogWitness(
    noteKeyToVkey(createNoteKey(origin, key.publicKey)),
    readsOf(other),
    store,
    () => now,
  );
  expect(await own.look()).toMatchObject({ verdict: 'first', size: 2 });
  expect(await witness().look()).toMatchObject({ verdict: 'continues', size: 5 });
});

async function grownLog(size: number, text: string, by = signer): Promise<Log> {
  const grown = createLog({ store: createMemoryLogStore(createMemoryLogState()), signer: by, origin });
  await grow(grown, size, text);
  return grown;
}

async function grow(log: Log, entries: number, text: string): Promise<void> {
  const leaves = Array.from(
    { length: entries },
    (_, i) =>
      createLeaf({ type: 'task', at: new Date(MAY_3), body: { text, i }, salt: new Uint8Array(32) }).leaf,
  );
  await log.append(leaves);
}

function readsOf(log: Log): LogReads {
  return {
    checkpoint: async () => (await log.head())!.note,
    consistency: async (from, to) =>
      (await log.consistencyProof(from, to)).proof.map((hash) => bytesToBase64Url(hash)),
  };
}

function memoryStorage(): HeadStore & { items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}
