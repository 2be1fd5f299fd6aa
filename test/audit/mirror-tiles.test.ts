import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  exportTiles,
  fsckTiles,
  mirrorTiles,
  tilesFor,
  tileToPath,
  utf8ToBytes,
  type MirrorReport,
  type TileSink,
} from '@twinkeep/audit';

import { createTiledLog, differences, policyEntry, readerOf, sinkOf, vkey, type Files } from './tiled.ts';
import { numberedLeaves } from './tree.ts';

const log = createTiledLog(numberedLeaves(900));
const mirror = (from: Files, sink: TileSink): Promise<MirrorReport> =>
  mirrorTiles({ reader: readerOf(from), vkey, sink });

describe('the files of a log', () => {
  test('come in an order in which a reader finds a complete log at any moment', async () => {
    const served: Files = new Map();
    let size = 0;
    for (const next of [0, 1, 255, 256, 300, 512, 700, 900]) {
      const head = { size: next, note: await log.noteOf(next) };
      const files = await log.publish(next, { from: size });
      expect([...files.keys()].at(-1)).toBe('checkpoint');
      for (const [path, bytes] of files) {
        served.set(path, bytes);
        const report = await fsckTiles({ reader: readerOf(served), vkey });
        const seen = path === 'checkpoint' ? next : size;
        // Before the very first checkpoint there is no log to be read.
        if (served.has('checkpoint')) expect(report).toMatchObject({ ok: true, size: seen });
      }
      size = head.size;
    }
    expect([...served.keys()].filter((path) => !path.includes('.p/')).sort()).toEqual(
      [...(await log.publish(900)).keys()].filter((path) => !path.includes('.p/')).sort(),
    );
  });

  test('are only those that were not there', async () => {
    const grown = await log.publish(900, { from: 700 });
    const expected = [...tilesFor(900, 700)].map(tileToPath);
    expect([...grown.keys()]).toEqual([...expected, 'checkpoint']);
    expect([...(await log.publish(900, { from: 900 })).keys()]).toEqual(['checkpoint']);
  });

  test('of a pruned log end with its policy, after the checkpoint that covers it', async () => {
    const entry = policyEntry(800, 600);
    const pruned = createTiledLog(log.leaves.with(800, entry.entry));
    const paths = [...(await pruned.publish(900, { pruning: entry.pruning })).keys()];
    expect(paths).toEqual([
      'tile/entries/002',
      'tile/0/002',
      'tile/entries/003.p/132',
      'tile/0/003.p/132',
      'tile/1/000.p/3',
      'checkpoint',
      'log-policy.json',
    ]);
  });

  test('an entry that is too long for a bundle is refused before anything is lost', async () => {
    const long = createTiledLog([new Uint8Array(65_536)]);
    await expect(long.publish(1)).rejects.toMatchObject({ code: 'tile/malformed' });
  });

  test('an error of the log is an error of the export', async () => {
    const broken = {
      hashes: () => Promise.reject(new Error('disk on fire')),
      leaves: (start: number, end: number) => Promise.resolve(log.leaves.slice(start, end)),
    };
    const head = { size: 900, note: await log.noteOf(900) };
    const files: string[] = [];
    await expect(async () => {
      for await (const { path } of exportTiles({ log: broken, head })) files.push(path);
    }).rejects.toThrow('disk on fire');
    expect(files).toEqual(['tile/entries/000']);
  });
});

describe('a mirror', () => {
  test('holds the same bytes, and grows with the log', async () => {
    const copy: Files = new Map();
    let from = 0;
    for (const size of [1, 256, 300, 900, 900]) {
      const served = await log.publish(size);
      const report = await mirror(served, sinkOf(copy));
      expect(report).toMatchObject({ size, from, files: [...tilesFor(size, from)].length + 1 });
      expect(differences(copy, served).filter((path) => served.has(path))).toEqual([]);
      expect(await fsckTiles({ reader: readerOf(copy), vkey })).toMatchObject({ ok: true, size });
      from = size;
    }
  });

  test('interrupted before any of its writes, it goes on where it was', async () => {
    const [older, served] = [await log.publish(300), await log.publish(900)];
    const whole = [...tilesFor(900, 300)].length + 1;
    for (let writes = 0; writes < whole; writes++) {
      const copy: Files = new Map(older);
      const sink = sinkOf(copy);
      let left = writes;
      const dying: TileSink = {
        ...sink,
        write: (path, bytes) =>
          left-- > 0 ? sink.write(path, bytes) : Promise.reject(new Error('power failure')),
      };
      await expect(mirror(served, dying)).rejects.toThrow('power failure');
      expect(await fsckTiles({ reader: readerOf(copy), vkey })).toMatchObject({ ok: true, size: 300 });
      const written: string[] = [];
      const report = await mirror(served, sinkOf(copy, written));
      expect(report).toMatchObject({ size: 900, from: 300, files: whole - writes });
      expect(await fsckTiles({ reader: readerOf(copy), vkey })).toMatchObject({ ok: true, size: 900 });
      expect(written.at(-1)).toBe('checkpoint');
    }
  });

  test('what an interrupted run has left is read from the copy, not fetched', async () => {
    const served = await log.publish(900);
    const copy: Files = new Map([...served].filter(([path]) => path.startsWith('tile/entries/00')));
    const asked: string[] = [];
    await mirrorTiles({ reader: readerOf(served, asked), vkey, sink: sinkOf(copy) });
    expect(asked.filter((path) => path.startsWith('tile/entries/'))).toEqual([]);
    expect(differences(copy, served)).toEqual([]);
  });

  test('nothing that is wrong is written', async () => {
    const served = await log.publish(900);
    const older = await log.publish(300);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(7), async (file, at, bit) => {
        const [path, bytes] = [...served][file % served.size]!;
        const changed = bytes.with(at % bytes.length, bytes[at % bytes.length]! ^ (1 << bit));
        const copy: Files = new Map(older);
        const damaged = new Map(served).set(path, changed);
        const outcome = await mirror(damaged, sinkOf(copy)).catch((error: unknown) => error);
        const untrue = differences(copy, new Map([...older, ...served])).filter((name) => copy.has(name));
        expect(untrue.filter((name) => name !== 'checkpoint')).toEqual([]);
        // The first 256 entries are in the copy already, so that nobody looks at them again.
        const isOld = older.has(path) && path !== 'checkpoint' && !path.includes('.p/');
        if (isOld) expect(outcome).toMatchObject({ size: 900 });
        else {
          expect(outcome).toMatchObject({ name: 'TileError' });
          expect(copy.get('checkpoint')).toEqual(older.get('checkpoint'));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('what an interrupted run left of another history is found, and named', async () => {
    const fork = createTiledLog(log.leaves.with(600, utf8ToBytes('another')));
    const copy: Files = new Map(await log.publish(300));
    copy.set('tile/entries/002', (await fork.publish(900)).get('tile/entries/002')!);
    await expect(mirror(await log.publish(900), sinkOf(copy))).rejects.toMatchObject({
      path: 'tile/entries/002',
    });
  });

  test('a log that shrank, or that is another one by now, is not copied over what it was', async () => {
    const copy = await log.publish(700);
    const before = new Map(copy);
    await expect(mirror(await log.publish(699), sinkOf(copy))).rejects.toMatchObject({ path: 'checkpoint' });
    const fork = createTiledLog(log.leaves.with(3, utf8ToBytes('another')));
    for (const size of [700, 900])
      await expect(mirror(await fork.publish(size), sinkOf(copy))).rejects.toMatchObject({
        path: 'checkpoint',
      });
    const damaged = new Map(copy).set('checkpoint', utf8ToBytes('x'));
    await expect(mirror(await log.publish(900), sinkOf(damaged))).rejects.toMatchObject({
      code: 'note/malformed',
    });
    expect(differences(copy, before)).toEqual([]);
  });

  test('of a pruned log copies what is kept, and its policy', async () => {
    const entry = policyEntry(800, 600);
    const pruned = createTiledLog(log.leaves.with(800, entry.entry));
    const served = await pruned.publish(900, { pruning: entry.pruning });
    const copy: Files = new Map();
    await mirror(served, sinkOf(copy));
    expect(differences(copy, served)).toEqual([]);
    // One that had copied before keeps what it has.
    const older = await pruned.publish(550);
    await mirror(served, sinkOf(older));
    expect(older.has('tile/entries/000')).toBe(true);
    expect(await fsckTiles({ reader: readerOf(older), vkey })).toMatchObject({ ok: true, minimumIndex: 600 });
  });
});
