import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import {
  createCompactRange,
  createLeaf,
  createLog,
  createSigner,
  hashLeaf,
  openLog,
  utf8ToBytes,
  verifyConsistency,
  type Log,
  type LogHead,
  type LogStore,
  type StoredHash,
} from '@twinkeep/audit';

/** One log's data. Everything that `open` returns works on it, as separate processes would. */
export interface LogStoreHarness {
  open(): Promise<LogStore>;
  close(): Promise<void>;
}

const ORIGIN = 'twin.example/contract';
const signer = createSigner(new Uint8Array(32).fill(3));

/** The acceptance tests of every `LogStore`: what `audit/store.ts` promises, on an empty log made by `setup`. */
export function logStoreContract(name: string, setup: () => Promise<LogStoreHarness>): void {
  describe(`log store contract: ${name}`, () => {
    let harness: LogStoreHarness;
    let store: LogStore;
    beforeEach(async () => {
      harness = await setup();
      store = await harness.open();
    });
    afterEach(() => harness.close());

    test('an empty log has no head, no hashes and no leaves', async () => {
      expect(await store.head()).toBeNull();
      expect(await store.hashes([])).toEqual([]);
      expect(await store.leaves(0, 0)).toEqual([]);
      await expect(store.hashes([{ level: 0, index: 0 }])).rejects.toMatchObject({
        code: 'log/missing-hash',
      });
      await expect(store.leaves(0, 1)).rejects.toMatchObject({ code: 'log/missing-leaf' });
    });

    test('what was appended is read back by another handle, in the order asked', async () => {
      const first = batch(0, ['a', '', 'c']);
      const second = batch(3, ['d', 'e'], first.all);
      await store.append(0, first.head, first.leaves, first.hashes);
      await store.append(3, second.head, second.leaves, second.hashes);
      const other = await harness.open();
      expect(await other.head()).toEqual(second.head);
      expect(await other.leaves(0, 5)).toEqual([...first.leaves, ...second.leaves]);
      expect(await other.leaves(2, 4)).toEqual([first.leaves[2], second.leaves[0]]);
      const asked = [...first.hashes, ...second.hashes].toReversed();
      expect(await other.hashes(asked.map(({ level, index }) => ({ level, index })))).toEqual(
        asked.map(({ hash }) => hash),
      );
      const twice = [
        { level: 0, index: 1 },
        { level: 1, index: 0 },
        { level: 0, index: 1 },
      ];
      const [a, b, c] = await other.hashes(twice);
      expect(a).toEqual(hashLeaf(new Uint8Array(0)));
      expect(b).toEqual(first.hashes.find(({ level }) => level === 1)!.hash);
      expect(c).toEqual(a);
    });

    test('one missing among many is an error, not a gap', async () => {
      const { head, leaves, hashes } = batch(0, ['a', 'b', 'c']);
      await store.append(0, head, leaves, hashes);
      const ids = [
        { level: 0, index: 0 },
        { level: 1, index: 1 },
      ];
      await expect(store.hashes(ids)).rejects.toMatchObject({ code: 'log/missing-hash' });
      await expect(store.leaves(2, 4)).rejects.toMatchObject({ code: 'log/missing-leaf' });
    });

    test('an append that expects another size changes nothing', async () => {
      const first = batch(0, ['a', 'b']);
      await expect(store.append(2, first.head, first.leaves, first.hashes)).rejects.toMatchObject({
        code: 'log/conflict',
      });
      expect(await store.head()).toBeNull();
      await store.append(0, first.head, first.leaves, first.hashes);
      const rival = batch(0, ['x', 'y', 'z']);
      for (const expected of [0, 1, 3]) {
        await expect(store.append(expected, rival.head, rival.leaves, rival.hashes)).rejects.toMatchObject({
          code: 'log/conflict',
        });
      }
      expect(await store.head()).toEqual(first.head);
      expect(await store.leaves(0, 2)).toEqual(first.leaves);
      await expect(store.leaves(2, 3)).rejects.toMatchObject({ code: 'log/missing-leaf' });
      expect(await store.hashes([{ level: 1, index: 0 }])).toEqual([first.hashes.at(-1)!.hash]);
    });

    test('of eight writers at the same size exactly one wins, whole', async () => {
      const first = batch(0, ['a']);
      await store.append(0, first.head, first.leaves, first.hashes);
      const rivals = Array.from({ length: 8 }, (_, i) => batch(1, [`rival ${i}`, `again ${i}`], first.all));
      const stores = await Promise.all(rivals.map(() => harness.open()));
      const results = await Promise.allSettled(
        rivals.map(({ head, leaves, hashes }, i) => stores[i]!.append(1, head, leaves, hashes)),
      );
      const winners = rivals.filter((_, i) => results[i]!.status === 'fulfilled');
      const reasons = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
      expect(winners).toHaveLength(1);
      for (const reason of reasons) expect(reason).toMatchObject({ code: 'log/conflict' });
      const [winner] = winners;
      expect(await store.head()).toEqual(winner!.head);
      expect(await store.leaves(1, 3)).toEqual(winner!.leaves);
      const stored = await store.hashes(winner!.hashes.map(({ level, index }) => ({ level, index })));
      expect(stored).toEqual(winner!.hashes.map(({ hash }) => hash));
    });

    test('logs that append at once, each trying again, lose and double nothing', async () => {
      const writers = 4;
      const each = 5;
      const heads = await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          const log = logOver(await harness.open());
          const seen: LogHead[] = [];
          for (let i = 0; i < each; i++) seen.push(await appendUntilDone(log, leaf(writer * each + i)));
          return seen;
        }),
      );
      const log = logOver(store);
      const last = (await log.head())!;
      expect(last.size).toBe(writers * each);
      const wanted = Array.from({ length: writers * each }, (_, i) => leaf(i));
      const stored = await store.leaves(0, last.size);
      expect(stored.map(String).toSorted()).toEqual(wanted.map(String).toSorted());
      for (const { size, root } of heads.flat()) {
        const proof = await log.consistencyProof(size);
        expect(verifyConsistency({ ...proof, root1: root, root2: last.root })).toBe(true);
      }
      expect(await log.fsck()).toMatchObject({ ok: true, size: last.size });
    });

    test('a batch of 12,000 leaves goes in at once', async () => {
      const leaves = Array.from({ length: 12_000 }, (_, i) => `leaf ${i}`);
      const { head, hashes, leaves: data } = batch(0, leaves);
      await store.append(0, head, data, hashes);
      expect(await store.leaves(11_990, 12_000)).toEqual(data.slice(11_990));
      const ids = hashes.map(({ level, index }) => ({ level, index }));
      expect(await store.hashes(ids)).toEqual(hashes.map(({ hash }) => hash));
    });

    // A step that fails may or may not have happened before it failed. Recovery is the ordinary path: open, look, go on.
    const faults = (['head', 'hashes', 'append'] as const).flatMap((step) => [
      { step, when: 'before', sizeAfter: 3 },
      { step, when: 'after', sizeAfter: step === 'append' ? 5 : 3 },
    ]);
    test.each(faults)('$step fails $when it took effect', async ({ step, when, sizeAfter }) => {
      await logOver(store).append([leaf(0), leaf(1), leaf(2)]);
      const faulty = failing(await harness.open(), step, when);
      await expect(logOver(faulty).append([leaf(3), leaf(4)])).rejects.toThrow(`${step} failed`);

      const reopened = await openLog({ store: await harness.open(), signer, origin: ORIGIN });
      const { size } = (await reopened.head())!;
      expect(size).toBe(sizeAfter);
      if (size === 3) await reopened.append([leaf(3), leaf(4)]);
      await reopened.append([leaf(5)]);
      expect(await store.leaves(0, 6)).toEqual([0, 1, 2, 3, 4, 5].map(leaf));
      expect(await reopened.fsck()).toMatchObject({ ok: true, size: 6 });
    });
  });
}

/** A batch of leaves after `before`, as a log would append it; the note is any text, for a store does not read it. */
function batch(
  size: number,
  texts: string[],
  before: Uint8Array[] = [],
): { all: Uint8Array[]; leaves: Uint8Array[]; hashes: StoredHash[]; head: LogHead } {
  const edge = createCompactRange();
  for (const each of before) edge.append(hashLeaf(each));
  expect(edge.size()).toBe(size);
  const leaves = texts.map(utf8ToBytes);
  const hashes = leaves.flatMap((each) => edge.append(hashLeaf(each)));
  const head = { size: edge.size(), root: edge.root(), note: `note ’n’ ${texts[0]}\n\n— ${edge.size()}\n` };
  return { all: [...before, ...leaves], leaves, hashes, head };
}

function leaf(number: number): Uint8Array {
  const at = new Date('2026-01-15T10:00:00Z');
  return createLeaf({ type: 'contract.leaf', at, body: number, salt: new Uint8Array(32) }).leaf;
}

function logOver(store: LogStore): Log {
  return createLog({ store, signer, origin: ORIGIN });
}

async function appendUntilDone(log: Log, data: Uint8Array): Promise<LogHead> {
  for (;;) {
    try {
      return (await log.append([data])).head;
    } catch (error) {
      if ((error as { code?: string }).code !== 'log/conflict') throw error;
    }
  }
}

/** The store, of which one step fails once: before the real one is asked, or after it has answered. */
function failing(store: LogStore, step: 'head' | 'hashes' | 'append', when: string): LogStore {
  let armed = true;
  const around =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const fails = armed && name === step;
      if (fails) armed = false;
      if (fails && when === 'before') throw new Error(`${step} failed`);
      const result = await call(...args);
      if (fails) throw new Error(`${step} failed`);
      return result;
    };
  return {
    head: around('head', () => store.head()),
    append: around('append', (...args: Parameters<LogStore['append']>) => store.append(...args)),
    hashes: around('hashes', (ids: Parameters<LogStore['hashes']>[0]) => store.hashes(ids)),
    leaves: (start, end) => store.leaves(start, end),
  };
}
