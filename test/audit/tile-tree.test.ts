import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import {
  createFetchReader,
  createTileTree,
  fsckTiles,
  hashLeaf,
  maxLengthOf,
  openCheckpoint,
  openTiles,
  proofToText,
  proveConsistency,
  proveInclusion,
  utf8ToBytes,
  verifyConsistency,
  verifyInclusion,
  verifyProof,
  type TileTree,
} from '@twinkeep/audit';

import { createTiledLog, policyEntry, readerOf, vkey, type Files } from './tiled.ts';
import { numberedLeaves, treeReader } from './tree.ts';

const SIZE = 66_100;
const leaves = numberedLeaves(SIZE);
const log = createTiledLog(leaves);
const direct = treeReader(leaves);
let files: Files;
let root: Uint8Array;

beforeAll(async () => {
  files = await log.publish(SIZE);
  root = openCheckpoint(await log.noteOf(SIZE), vkey).root;
});

const treeOf = (served: Files, asked: string[] = []): TileTree =>
  createTileTree({ reader: readerOf(served, asked), size: SIZE, root });

describe('from tiles alone', () => {
  const indexes = fc.oneof(fc.nat(SIZE - 1), fc.constantFrom(0, 255, 256, 65_535, 65_536, SIZE - 1));

  test('inclusion proofs are those of the tree, in any tree that it has been', async () => {
    const tree = treeOf(files);
    await fc.assert(
      fc.asyncProperty(indexes, indexes, async (a, b) => {
        const [index, size] = [Math.min(a, b), Math.max(a, b) + 1];
        const proof = await proveInclusion(index, size, tree.hashes);
        expect(proof).toEqual(await proveInclusion(index, size, direct));
        if (size < SIZE) return;
        expect(verifyInclusion({ index, size, proof, leafHash: hashLeaf(leaves[index]!), root })).toBe(true);
      }),
      { numRuns: 60, examples: [[0, SIZE - 1]] },
    );
  });

  test('so are consistency proofs', async () => {
    const tree = treeOf(files);
    await fc.assert(
      fc.asyncProperty(indexes, async (index) => {
        const proof = await proveConsistency(index + 1, SIZE, tree.hashes);
        expect(proof).toEqual(await proveConsistency(index + 1, SIZE, direct));
      }),
      { numRuns: 40 },
    );
    const older = openCheckpoint(await log.noteOf(40_000), vkey);
    const proof = await proveConsistency(older.size, SIZE, tree.hashes);
    const claim = { size1: older.size, size2: SIZE, root1: older.root, root2: root, proof };
    expect(verifyConsistency(claim)).toBe(true);
  });

  test('entries are those that were logged', async () => {
    const tree = treeOf(files);
    for (const [start, end] of [
      [0, 0],
      [0, 1],
      [250, 260],
      [65_500, 65_600],
      [SIZE - 3, SIZE],
    ] as const) {
      expect(await tree.entries(start, end)).toEqual(leaves.slice(start, end));
    }
  });

  test('all three levels of tiles are derived again from the entries', async () => {
    expect(await fsckTiles({ reader: readerOf(files), vkey })).toMatchObject({ ok: true, size: SIZE, root });
  });

  test('a receipt takes a handful of tiles, each asked for once', async () => {
    const asked: string[] = [];
    const { tree, note } = await openTiles({ reader: readerOf(files, asked), vkey });
    const proof = await proveInclusion(300, SIZE, tree.hashes);
    const receipt = proofToText({ index: 300, proof, checkpoint: note });
    expect(verifyProof(receipt, leaves[300]!, vkey)).toMatchObject({
      index: 300,
      checkpoint: { size: SIZE },
    });
    expect(asked.sort()).toEqual([
      'checkpoint',
      'log-policy.json',
      'tile/0/001',
      'tile/0/258.p/52',
      'tile/1/000',
      'tile/1/001.p/2',
      'tile/2/000.p/1',
    ]);
  });
});

describe('no tile is believed', () => {
  test('of what is changed, nothing comes out but an error that names it', async () => {
    const paths = ['tile/0/001', 'tile/1/000', 'tile/0/258.p/52', 'tile/1/001.p/2', 'tile/2/000.p/1'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), fc.nat(7), async (path, at, bit) => {
        const bytes = files.get(path)!;
        const changed = bytes.with(at % bytes.length, bytes[at % bytes.length]! ^ (1 << bit));
        const tree = treeOf(new Map(files).set(path, changed));
        // At the right edge the rows have no tile above them, so that it is known only that one of them is wrong.
        const named = path.includes('.p/') ? 'checkpoint' : path;
        await expect(proveInclusion(300, SIZE, tree.hashes)).rejects.toMatchObject({
          code: 'tile/disagrees',
          path: named,
        });
      }),
      { numRuns: 40 },
    );
  });

  test('an entry that is not the logged one is named', async () => {
    const bundle = files.get('tile/entries/001')!;
    const tree = treeOf(new Map(files).set('tile/entries/001', bundle.with(2, bundle[2]! ^ 1)));
    await expect(tree.entries(300, 301)).rejects.toMatchObject({
      path: 'tile/entries/001',
      message: expect.stringContaining('entry 256') as string,
    });
    expect(await tree.entries(0, 200)).toEqual(leaves.slice(0, 200));
  });

  test('after a failure the same tile is asked for again', async () => {
    const served = new Map(files);
    served.delete('tile/0/001');
    const tree = treeOf(served);
    await expect(proveInclusion(300, SIZE, tree.hashes)).rejects.toMatchObject({ code: 'tile/missing' });
    served.set('tile/0/001', files.get('tile/0/001')!);
    expect(await proveInclusion(300, SIZE, tree.hashes)).toHaveLength(17);
    const edgeless = new Map(files);
    edgeless.delete('tile/1/001.p/2');
    const late = treeOf(edgeless);
    await expect(late.entries(0, 1)).rejects.toMatchObject({ path: 'tile/1/001.p/2' });
    edgeless.set('tile/1/001.p/2', files.get('tile/1/001.p/2')!);
    expect(await late.entries(0, 1)).toEqual([leaves[0]]);
  });

  test('what the tree has not is not asked for', async () => {
    const asked: string[] = [];
    const tree = treeOf(files, asked);
    await expect(tree.hashes([{ level: 0, index: SIZE }])).rejects.toMatchObject({
      code: 'log/missing-hash',
    });
    await expect(tree.hashes([{ level: 17, index: 0 }])).rejects.toMatchObject({ code: 'log/missing-hash' });
    for (const [start, end] of [
      [0, SIZE + 1],
      [-1, 1],
      [2, 1],
      [0.5, 1],
    ] as const) {
      await expect(tree.entries(start, end)).rejects.toMatchObject({ code: 'merkle/out-of-range' });
    }
    expect(asked).toEqual([]);
  });

  test('an empty tree has nothing but its root', async () => {
    const { tree, checkpoint } = await openTiles({ reader: readerOf(await log.publish(0)), vkey });
    expect(checkpoint.size).toBe(0);
    expect(await tree.entries(0, 0)).toEqual([]);
  });
});

describe('of a pruned log', () => {
  const MINIMUM = 65_700;
  const entry = policyEntry(66_000, MINIMUM);
  const pruned = createTiledLog(leaves.with(66_000, entry.entry));

  test('proofs of what is kept stay valid, and what is not kept is missing', async () => {
    const kept = await pruned.publish(SIZE, { pruning: entry.pruning });
    expect(kept.size).toBeLessThan(14);
    const { tree, checkpoint, pruning } = await openTiles({ reader: readerOf(kept), vkey });
    expect(pruning!.body.minimumIndex).toBe(MINIMUM);
    for (const index of [MINIMUM, MINIMUM + 1, 66_000, SIZE - 1]) {
      const proof = await proveInclusion(index, SIZE, tree.hashes);
      const leafHash = hashLeaf(pruned.leaves[index]!);
      expect(verifyInclusion({ index, size: SIZE, proof, leafHash, root: checkpoint.root })).toBe(true);
    }
    for (const size of [MINIMUM, MINIMUM + 100, SIZE]) {
      expect(await proveConsistency(size, SIZE, tree.hashes)).toBeDefined();
    }
    await expect(tree.entries(100, 101)).rejects.toMatchObject({ code: 'tile/missing' });
    await expect(proveInclusion(100, SIZE, tree.hashes)).rejects.toMatchObject({ code: 'tile/missing' });
    const report = await fsckTiles({ reader: readerOf(kept), vkey });
    expect(report).toMatchObject({ ok: true, minimumIndex: MINIMUM });
  });

  test('a policy that is not in the log opens nothing', async () => {
    const small = createTiledLog(leaves.slice(0, 600));
    const late = policyEntry(550, 300);
    const served = await createTiledLog(small.leaves.with(550, late.entry)).publish(600, {
      pruning: late.pruning,
    });
    const other = await small.publish(600);
    const bundle = 'tile/entries/002.p/88';
    const forged = new Map(served).set(bundle, other.get(bundle)!);
    await expect(openTiles({ reader: readerOf(forged), vkey })).rejects.toMatchObject({ path: bundle });
    other.set('log-policy.json', served.get('log-policy.json')!);
    await expect(openTiles({ reader: readerOf(other), vkey })).rejects.toMatchObject({
      path: 'log-policy.json',
    });
  });
});

describe('over HTTP', () => {
  const bodyOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start: (controller) => {
        for (let at = 0; at < bytes.length; at += 1_000) controller.enqueue(bytes.slice(at, at + 1_000));
        controller.close();
      },
    });
  const server =
    (answers: (path: string) => Response, asked: string[] = []): typeof fetch =>
    (input) => {
      asked.push(String(input));
      return Promise.resolve(answers(new URL(String(input)).pathname));
    };

  test('a log is verified through `fetch`, below its prefix', async () => {
    const small = await createTiledLog(numberedLeaves(300)).publish(300);
    const asked: string[] = [];
    const get = server((path) => {
      const bytes = small.get(path.replace('/logs/a/', ''));
      return bytes === undefined ? new Response('no', { status: 404 }) : new Response(bodyOf(bytes));
    }, asked);
    for (const prefix of ['https://log.example/logs/a', 'https://log.example/logs/a/']) {
      const reader = createFetchReader(prefix, { fetch: get });
      expect(await fsckTiles({ reader, vkey })).toMatchObject({ ok: true, size: 300 });
    }
    expect(asked).toContain('https://log.example/logs/a/tile/entries/001.p/44');
    expect(asked.every((url) => url.startsWith('https://log.example/logs/a/'))).toBe(true);
  });

  test('what is there, is not there, or cannot be told', async () => {
    const reader = (status: number): Promise<Uint8Array> => {
      const get = server(() => new Response(status === 204 ? null : bodyOf(utf8ToBytes('x')), { status }));
      return createFetchReader('https://log.example', { fetch: get })('checkpoint');
    };
    expect(await reader(200)).toEqual(utf8ToBytes('x'));
    for (const status of [404, 410])
      await expect(reader(status)).rejects.toMatchObject({ code: 'tile/missing', path: 'checkpoint' });
    for (const status of [204, 206, 403, 429, 500, 503])
      await expect(reader(status)).rejects.toMatchObject({ code: 'tile/unreadable' });
  });

  test('no more is read than a resource can be long', async () => {
    for (const path of ['checkpoint', 'tile/0/000', 'tile/entries/000']) {
      let given = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          given += 4_096;
          controller.enqueue(new Uint8Array(4_096));
        },
      });
      const reader = createFetchReader('https://log.example', { fetch: server(() => new Response(endless)) });
      await expect(reader(path)).rejects.toMatchObject({ code: 'tile/malformed', path });
      expect(given).toBeLessThanOrEqual(maxLengthOf(path) + 3 * 4_096);
    }
    expect([maxLengthOf('tile/0/000'), maxLengthOf('tile/entries/000')]).toEqual([8_192, 256 * 65_537]);
  });

  test('a server that falls silent is given up on by its signal', async () => {
    const stop = new AbortController();
    const get: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error));
      });
    const read = createFetchReader('https://log.example', { fetch: get, signal: stop.signal })('checkpoint');
    stop.abort(new Error('given up'));
    await expect(read).rejects.toThrow('given up');
  });
});
