import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import {
  bytesToHex,
  bytesToUtf8,
  encodeEntryBundle,
  fsckTiles,
  hashLeaf,
  textToPolicy,
  tileToPath,
  tilesFor,
  utf8ToBytes,
  verifyEd25519,
  type Ed25519Verify,
  type FsckTilesOptions,
  type TileReader,
  type TilesReport,
} from '@twinkeep/audit';

import {
  cosigned,
  createTiledLog,
  origin,
  policyEntry,
  readerOf,
  vkey,
  withPolicy,
  type Files,
} from './tiled.ts';
import { numberedLeaves } from './tree.ts';

const SIZE = 1_300;
const log = createTiledLog(numberedLeaves(SIZE));
let intact: Files;

const check = (files: Files, options: Partial<FsckTilesOptions> = {}): Promise<TilesReport> =>
  fsckTiles({ reader: readerOf(files), vkey, verify, ...options });

/** Most checks here are of one and the same checkpoint, whose signature would take as long as all the rest. */
const verified = new Map<string, boolean>();
const verify: Ed25519Verify = (signature, message, publicKey) => {
  const question = [signature, message, publicKey].map((bytes) => bytesToHex(bytes)).join();
  const known = verified.get(question) ?? verifyEd25519(signature, message, publicKey);
  verified.set(question, known);
  return known;
};

beforeAll(async () => {
  intact = await log.publish(SIZE);
});

describe('finds nothing wrong where nothing is', () => {
  test.each([0, 1, 255, 256, 257, 512, 1_024, SIZE])('in a log of %d', async (size) => {
    const asked: string[] = [];
    const report = await check(await log.publish(size), { reader: readerOf(await log.publish(size), asked) });
    expect(report).toMatchObject({ ok: true, origin, size, minimumIndex: 0, witnesses: [] });
    expect([...new Set(asked)].sort()).toEqual(
      ['checkpoint', 'log-policy.json', ...[...tilesFor(size)].map(tileToPath)].sort(),
    );
  });

  test('in one that has dropped partial tiles for full ones', async () => {
    const note = await log.noteOf(SIZE - 100);
    const files = new Map(intact).set('checkpoint', utf8ToBytes(note));
    expect(await check(files)).toMatchObject({ ok: false, path: expect.stringContaining('.p/') as string });
    // Larger by a row, so that all of what the smaller one has begun in bundles and in level 0 is full.
    const grown = await createTiledLog(numberedLeaves(1_536)).publish(1_536);
    const older = new Map(grown).set('checkpoint', utf8ToBytes(note));
    for (const [path, bytes] of await log.publish(SIZE - 100))
      if (path.startsWith('tile/1/')) older.set(path, bytes);
    expect(await check(older)).toMatchObject({ ok: true, size: SIZE - 100 });
  });

  test('whatever else the directory holds', async () => {
    const files = new Map(intact)
      .set('tile/0/000.p/3', new Uint8Array(7))
      .set('tile/9/000', new Uint8Array(1));
    expect(await check(files)).toMatchObject({ ok: true });
  });
});

describe('names the one that is wrong', () => {
  test('500 times, any changed byte of any file', async () => {
    const small = await log.publish(530);
    let named = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, at, change) => {
        const [path, bytes] = [...small][file % small.size]!;
        const report = await check(new Map(small).set(path, changedAt(bytes, at % bytes.length, change)));
        expect(report).toMatchObject({ ok: false, path });
        named++;
      }),
      { numRuns: 500 },
    );
    expect(named).toBe(500);
  });

  test('each of the files, cut, lengthened, exchanged, emptied or missing', async () => {
    for (const [path, bytes] of intact) {
      const other = [...intact].find(([name, content]) => name !== path && content.length >= bytes.length);
      const damages: (Uint8Array | null)[] = [
        null,
        bytes.slice(0, -1),
        bytes.slice(1),
        new Uint8Array([...bytes, 0]),
        new Uint8Array(0),
        other?.[1] ?? new Uint8Array(bytes.length),
      ];
      for (const damage of damages) {
        const files = new Map(intact);
        if (damage === null) files.delete(path);
        else files.set(path, damage);
        expect(await check(files), path).toMatchObject({ ok: false, path });
      }
    }
  });

  test('the first of several, in the order in which they are read', async () => {
    const files = new Map(intact);
    for (const path of ['tile/0/003', 'tile/entries/001', 'tile/entries/004'])
      files.set(path, changedAt(files.get(path)!, 40, 1));
    expect(await check(files)).toMatchObject({ path: 'tile/entries/001', problem: /entry 25[67]/ });
  });

  test('an entry rewritten together with its tile: the tile, since the one above it leads to the root', async () => {
    const entries = log.leaves.slice(256, 512).with(9, utf8ToBytes('another'));
    const files = new Map(intact)
      .set('tile/entries/001', encodeEntryBundle(entries))
      .set('tile/0/001', replaced(intact.get('tile/0/001')!, 9, hashLeaf(entries[9]!)));
    expect(await check(files)).toMatchObject({ path: 'tile/0/001' });
  });

  test('an entry rewritten together with every tile: the checkpoint, whose signature nobody else can make', async () => {
    const rewritten = createTiledLog(log.leaves.with(700, utf8ToBytes('another')));
    const files = (await rewritten.publish(SIZE)).set('checkpoint', intact.get('checkpoint')!);
    expect(await check(files)).toMatchObject({ path: 'checkpoint', problem: /another root/ });
  });

  test('a checkpoint of another log, key or size', async () => {
    const text = bytesToUtf8(intact.get('checkpoint')!);
    const smaller = await log.noteOf(SIZE - 1);
    for (const note of [
      text.replace(origin, 'other.example/log'),
      text.replace('1300', '1299'),
      'note',
      smaller,
    ]) {
      const report = await check(new Map(intact).set('checkpoint', utf8ToBytes(note)));
      expect(report).toMatchObject({
        ok: false,
        path: note === smaller ? 'tile/entries/005.p/19' : 'checkpoint',
      });
    }
  });
});

describe('what the verifier brings along', () => {
  test('an earlier checkpoint that the log continues, and ones that it does not', async () => {
    for (const size of [0, 1, 255, 256, 1_000, SIZE]) {
      const report = await check(intact, { earlier: await log.noteOf(size) });
      expect(report).toMatchObject({ ok: true, earlierSize: size });
    }
    const fork = createTiledLog(log.leaves.with(3, utf8ToBytes('another')));
    for (const size of [4, 1_000, SIZE])
      expect(await check(intact, { earlier: await fork.noteOf(size) })).toMatchObject({ path: 'checkpoint' });
    const longer = await createTiledLog(numberedLeaves(SIZE + 1)).noteOf(SIZE + 1);
    expect(await check(intact, { earlier: longer })).toMatchObject({ path: 'checkpoint', problem: /fewer/ });
  });

  test('a policy of witnesses', async () => {
    const [note, witness] = await cosigned(bytesToUtf8(intact.get('checkpoint')!), 'w.example', 5);
    const policy = textToPolicy(`witness w ${witness}\nquorum w\n`);
    expect(await check(intact, { policy })).toMatchObject({ ok: false, path: 'checkpoint' });
    const files = new Map(intact).set('checkpoint', utf8ToBytes(note));
    expect(await check(files, { policy })).toMatchObject({ ok: true, witnesses: ['w'] });
    const bad = { ...policy, quorum: 'x' };
    await expect(check(files, { policy: bad })).rejects.toMatchObject({ code: 'policy/malformed' });
  });

  test('a key or checkpoint that is wrong is not the log’s fault', async () => {
    await expect(check(intact, { vkey: 'x' })).rejects.toMatchObject({ code: 'vkey/malformed' });
    await expect(check(intact, { earlier: 'x' })).rejects.toMatchObject({ code: 'note/malformed' });
  });

  test('a reader that fails is not a log that is wrong', async () => {
    const reader: TileReader = (path) =>
      path === 'tile/0/002' ? Promise.reject(new Error('connection reset')) : readerOf(intact)(path);
    await expect(check(intact, { reader })).rejects.toThrow('connection reset');
  });
});

describe('a pruned log', () => {
  const MINIMUM = 700;
  const entry = policyEntry(1_200, MINIMUM);
  const pruned = createTiledLog(log.leaves.with(1_200, entry.entry));
  let files: Files;

  beforeAll(async () => {
    files = await pruned.publish(SIZE, { pruning: entry.pruning });
  });

  test('lacks what it may lack, and verifies', async () => {
    const whole = await pruned.publish(SIZE);
    const absent = [...whole.keys()].filter((path) => !files.has(path));
    expect(absent).toEqual(['tile/entries/000', 'tile/0/000', 'tile/entries/001', 'tile/0/001']);
    expect(await check(files)).toMatchObject({ ok: true, size: SIZE, minimumIndex: MINIMUM });
    expect(await check(withPolicy(whole, entry.pruning))).toMatchObject({
      ok: true,
      minimumIndex: MINIMUM,
    });
  });

  test('without a policy may lack nothing', async () => {
    const silent = new Map(files);
    silent.delete('log-policy.json');
    expect(await check(silent)).toMatchObject({ ok: false, path: 'tile/entries/000', problem: /not there/ });
  });

  test('an entry that is not the policy any more is to blame itself, and not what was published', async () => {
    const bundle = 'tile/entries/004';
    const at = encodeEntryBundle(pruned.leaves.slice(1_024, 1_200)).length + 2;
    for (const offset of [0, 40, entry.entry.length - 1]) {
      const changed = changedAt(files.get(bundle)!, at + offset, 1);
      expect(await check(new Map(files).set(bundle, changed))).toMatchObject({ ok: false, path: bundle });
    }
  });

  test('is held to the policy that it has logged', async () => {
    const lies = [
      { ...entry.pruning, body: { ...entry.pruning.body, minimumIndex: 1_100 } },
      { ...entry.pruning, leaf: 1_201 },
      { ...entry.pruning, leaf: SIZE },
      { ...entry.pruning, leaf: 600 },
      { ...entry.pruning, salt: new Uint8Array(32) },
    ];
    for (const published of lies) {
      expect(await check(withPolicy(files, published))).toMatchObject({ ok: false, path: 'log-policy.json' });
    }
    const spelled = new Map(files).set('log-policy.json', utf8ToBytes('{}'));
    expect(await check(spelled)).toMatchObject({ ok: false, path: 'log-policy.json' });
  });

  test('any changed byte of what it keeps is found, and all but the begun rows are named', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, at, change) => {
        const [path, bytes] = [...files][file % files.size]!;
        const offset = at % bytes.length;
        const report = await check(new Map(files).set(path, changedAt(bytes, offset, change)));
        // Hashes of pruned rows in a row that is not full: nothing but the root tells that they are wrong.
        const isEdgeOfPruned = path.startsWith('tile/1/') && offset < 2 * 32;
        expect(report).toMatchObject({ ok: false, path: isEdgeOfPruned ? 'checkpoint' : path });
      }),
      { numRuns: 150 },
    );
  });

  test('an earlier checkpoint above the kept entries continues; one below needs more than is kept', async () => {
    expect(await check(files, { earlier: await pruned.noteOf(900) })).toMatchObject({
      ok: true,
      earlierSize: 900,
    });
    expect(await check(files, { earlier: await pruned.noteOf(512) })).toMatchObject({
      ok: true,
      earlierSize: 512,
    });
    const earlier = await pruned.noteOf(300);
    expect(await check(files, { earlier })).toMatchObject({ ok: false, path: 'tile/0/001' });
    const whole = withPolicy(await pruned.publish(SIZE), entry.pruning);
    expect(await check(whole, { earlier })).toMatchObject({ ok: true, earlierSize: 300 });
    expect(await check(whole, { earlier: await log.noteOf(300) })).toMatchObject({ ok: true });
    const fork = createTiledLog(log.leaves.with(3, utf8ToBytes('another')));
    for (const size of [300, 512, 900])
      expect(await check(whole, { earlier: await fork.noteOf(size) })).toMatchObject({ path: 'checkpoint' });
  });

  test('pruned up to its last row', async () => {
    const last = policyEntry(1_299, 1_299);
    const most = createTiledLog(log.leaves.with(1_299, last.entry));
    const few = await most.publish(SIZE, { pruning: last.pruning });
    expect([...few.keys()]).toEqual([
      'tile/entries/005.p/20',
      'tile/0/005.p/20',
      'tile/1/000.p/5',
      'checkpoint',
      'log-policy.json',
    ]);
    expect(await check(few)).toMatchObject({ ok: true, minimumIndex: 1_299 });
  });
});

function changedAt(bytes: Uint8Array, at: number, change: number): Uint8Array {
  return bytes.with(at, bytes[at]! ^ change);
}

function replaced(tile: Uint8Array, position: number, hash: Uint8Array): Uint8Array {
  const changed = tile.slice();
  changed.set(hash, position * 32);
  return changed;
}
