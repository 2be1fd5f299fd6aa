import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { createLeaf, createLog, createSigner, type FsckReport } from '@twinkeep/audit';

import {
  createMemoryLogState,
  createMemoryLogStore,
  type MemoryLogState,
} from '../support/memory-log-store.ts';

const SIZE = 1030;
const signer = createSigner(new Uint8Array(32).fill(1));
const intact = createMemoryLogState();

const check = (state: MemoryLogState): Promise<FsckReport> =>
  createLog({ store: createMemoryLogStore(state), signer, origin: 'twin.example/audit' }).fsck();

beforeAll(async () => {
  const log = createLog({ store: createMemoryLogStore(intact), signer, origin: 'twin.example/audit' });
  const at = new Date('2026-01-15T10:00:00Z');
  const salt = new Uint8Array(32);
  await log.append(
    Array.from({ length: SIZE }, (_, body) => createLeaf({ type: 'test', at, body, salt }).leaf),
  );
});

test('finds nothing wrong where nothing is', async () => {
  expect(await check(intact)).toEqual({ ok: true, size: SIZE, root: intact.head!.root });
  expect(await check(createMemoryLogState())).toEqual({ ok: true, size: 0, root: null });
});

test('finds any one changed bit of any leaf or hash, and says where', async () => {
  const places = [...intact.hashes.keys()];
  const anywhere = fc.record({
    place: fc.oneof(fc.constantFrom(...places), fc.nat(SIZE - 1)),
    at: fc.nat(),
    bit: fc.nat(7),
  });
  await fc.assert(
    fc.asyncProperty(anywhere, async ({ place, at, bit }) => {
      const bytes = typeof place === 'number' ? intact.leaves[place]! : intact.hashes.get(place)!;
      bytes[at % bytes.length]! ^= 1 << bit;
      const report = await check(intact);
      bytes[at % bytes.length]! ^= 1 << bit;
      const [level, index] = typeof place === 'number' ? [0, place] : place.split('/').map(Number);
      expect(report).toMatchObject({ ok: false, subtree: { level, index } });
    }),
    { numRuns: 25 },
  );
});

describe('finds', () => {
  test('the first of several', async () => {
    const report = await damaged(({ leaves, hashes }) => {
      leaves[900]![0]! ^= 1;
      hashes.get('3/2')![0]! ^= 1;
    });
    expect(report).toMatchObject({
      ok: false,
      subtree: { level: 3, index: 2 },
      problem: expect.stringContaining('is not the one') as string,
    });
  });

  test('missing hashes and leaves', async () => {
    expect(await damaged(({ hashes }) => hashes.delete('4/7'))).toMatchObject({
      subtree: { level: 4, index: 7 },
      problem: 'the stored hash is missing',
    });
    expect(await damaged(({ leaves }) => (leaves.length = 1026))).toMatchObject({
      subtree: { level: 0, index: 1026 },
      problem: 'the leaf is missing',
    });
  });

  test('a leaf rewritten together with every hash above it, by the signature', async () => {
    const state = createMemoryLogState();
    const log = createLog({ store: createMemoryLogStore(state), signer, origin: 'twin.example/audit' });
    await log.append(intact.leaves.with(7, intact.leaves[8]!));
    const rewritten = state.head!;
    state.head = { ...rewritten, note: intact.head!.note };
    expect(await check(state)).toMatchObject({ problem: 'the head is not the one that was signed' });
    state.head = intact.head;
    expect(await check(state)).toEqual({
      ok: false,
      subtree: null,
      problem: 'the leaves do not lead to the signed root',
    });
  });

  test('a head that was not signed', async () => {
    expect(await damaged(({ head }) => (head!.size = 1024))).toMatchObject({
      subtree: null,
      problem: 'the head is not the one that was signed',
    });
    expect(await damaged(({ head }) => (head!.note = 'note'))).toMatchObject({
      subtree: null,
      problem: expect.stringContaining('checkpoint') as string,
    });
  });
});

test('an error of the store itself is not a disagreement', async () => {
  const store = { ...createMemoryLogStore(intact), leaves: () => Promise.reject(new Error('disk on fire')) };
  const log = createLog({ store, signer, origin: 'twin.example/audit' });
  await expect(log.fsck()).rejects.toThrow('disk on fire');
});

function damaged(damage: (state: MemoryLogState) => void): Promise<FsckReport> {
  const state = structuredClone(intact);
  damage(state);
  return check(state);
}
