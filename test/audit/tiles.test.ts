import { createHash } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  AuditError,
  bytesToHex,
  createCompactRange,
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  hashLeaf,
  MAX_ENTRY_LENGTH,
  partialTilesOf,
  pathToTile,
  tilesFor,
  tileToLeaves,
  tileToPath,
  tileToSubtrees,
  type TileId,
} from '@twinkeep/audit';

import { numberedLeaves, treeReader } from './tree.ts';
import { tiles as vectors } from './vectors.ts';

const malformed = expect.objectContaining({ code: 'tile/malformed' });

describe('the published tiles of 70,000 leaves', () => {
  const leaves = numberedLeaves(70_000);
  const reader = treeReader(leaves);

  test('tiles', async () => {
    const published = Object.entries(vectors.tilesSha256ForSize70000);
    expect(published).toHaveLength(6);
    for (const [path, expected] of published) {
      const tile = encodeTile(await reader(tileToSubtrees(pathToTile(path))));
      // The vectors give this one tile as it is, and all others by their SHA-256.
      expect(path === 'tile/2/000.p/1' ? bytesToHex(tile) : sha256Hex(tile)).toBe(expected);
    }
  });

  test('the first entry bundle', () => {
    const bundle = encodeEntryBundle(leaves.slice(0, 256));
    expect(bundle).toHaveLength(vectors.entriesBundle000Bytes);
    expect(sha256Hex(bundle)).toBe(vectors.entriesBundle000Sha256);
    expect(decodeEntryBundle(bundle, 256)).toEqual(leaves.slice(0, 256));
  });

  test('which there are: 273 full and one of 112, 1 full and one of 17, one of 1', () => {
    const widths = (level: TileId['level']): number[] =>
      [...tilesFor(70_000)].filter((tile) => tile.level === level).map(({ width }) => width);
    const row = [...Array<number>(273).fill(256), 112];
    expect(widths('entries')).toEqual(row);
    expect(widths(0)).toEqual(row);
    expect(widths(1)).toEqual([256, 17]);
    expect(widths(2)).toEqual([1]);
    expect([...tilesFor(70_000)]).toHaveLength(274 + 274 + 2 + 1);
    expect(partialTilesOf(70_000).map(tileToPath)).toEqual([
      'tile/entries/273.p/112',
      'tile/0/273.p/112',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
  });
});

describe('which tiles a tree has', () => {
  test('those that its complete subtrees fill, by definition', () => {
    const sizes = fc.oneof(fc.nat(70_000), fc.constantFrom(0, 1, 255, 256, 257, 65_535, 65_536, 65_537));
    fc.assert(
      fc.property(sizes, (size) => {
        const expected: string[] = [];
        for (let level = 0; Math.floor(size / 256 ** level) > 0; level++) {
          const count = Math.floor(size / 256 ** level);
          for (let index = 0; index * 256 < count; index++) {
            const width = Math.min(256, count - index * 256);
            expected.push(tileToPath({ level, index, width }));
            if (level === 0) expected.push(tileToPath({ level: 'entries', index, width }));
          }
        }
        expect([...tilesFor(size)].map(tileToPath).sort()).toEqual(expected.sort());
      }),
      { numRuns: 30 },
    );
  });

  test('growing, a tree adds exactly what the smaller one has not', () => {
    fc.assert(
      fc.property(fc.nat(1_500), fc.nat(1_500), (a, b) => {
        const [from, size] = [Math.min(a, b), Math.max(a, b)];
        const had = new Set([...tilesFor(from)].map(tileToPath));
        const added = [...tilesFor(size)].map(tileToPath).filter((path) => !had.has(path));
        expect([...tilesFor(size, from)].map(tileToPath)).toEqual(added);
      }),
      {
        examples: [
          [65_536, 65_535],
          [131_073, 65_536],
        ],
        numRuns: 60,
      },
    );
  });

  test('each comes after all that it is made of, and ends within the tree', () => {
    const seen = new Set<string>();
    for (const tile of tilesFor(70_000)) {
      expect(tileToLeaves(tile).end).toBeLessThanOrEqual(70_000);
      if (tile.level === 0) expect(seen).toContain(tileToPath({ ...tile, level: 'entries' }));
      else if (tile.level !== 'entries') {
        const last = { level: tile.level - 1, index: tile.index * 256 + tile.width - 1, width: 256 };
        expect(seen).toContain(tileToPath(last));
      }
      seen.add(tileToPath(tile));
    }
  });

  test('an empty tree has none, and the largest has its seven levels', () => {
    expect([...tilesFor(0)]).toEqual([]);
    expect(partialTilesOf(2 ** 53 - 1)).toEqual([
      { level: 'entries', index: 2 ** 45 - 1, width: 255 },
      ...[0, 1, 2, 3, 4, 5].map((level) => ({ level, index: 2 ** (45 - 8 * level) - 1, width: 255 })),
      { level: 6, index: 0, width: 31 },
    ]);
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => [...tilesFor(size)]).toThrow(malformed);
      expect(() => partialTilesOf(size)).toThrow(malformed);
    }
  });

  test('a tile is made of the subtrees that an append closes', async () => {
    const edge = createCompactRange();
    const closed = numberedLeaves(600).flatMap((leaf) => edge.append(hashLeaf(leaf)));
    const reader = treeReader(numberedLeaves(600));
    for (const tile of tilesFor(600)) {
      if (tile.level === 'entries') continue;
      const expected = closed.filter(
        ({ level, index }) => level === Number(tile.level) * 8 && Math.floor(index / 256) === tile.index,
      );
      expect(await reader(tileToSubtrees(tile))).toEqual(expected.map(({ hash }) => hash));
      expect(tileToLeaves(tile)).toEqual({
        start: tile.index * 256 ** (tile.level + 1),
        end: (expected.at(-1)!.index + 1) * 256 ** tile.level,
      });
    }
  });
});

describe('paths', () => {
  test('the published ones', () => {
    const published = Object.entries(vectors.pathExamples);
    expect(published).toHaveLength(4);
    for (const [index, row] of published) {
      expect(tileToPath({ level: 0, index: Number(index), width: 256 })).toBe(`tile/0/${row}`);
      expect(pathToTile(`tile/entries/${row}.p/7`)).toEqual({
        level: 'entries',
        index: Number(index),
        width: 7,
      });
    }
  });

  test('are read and written alike', () => {
    const level = fc.oneof(fc.constant('entries' as const), fc.nat(63));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (each) => {
        expect(pathToTile(tileToPath(each))).toEqual(each);
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/1',
    'tile/0/01',
    'tile/0/0001',
    'tile/0/x000/001',
    'tile/0/x001/1',
    'tile/0/001/234',
    'tile/0/x001',
    'tile/0/x001/x234/',
    'tile/0/X001/067',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/+1/000',
    'tile/data/000',
    'tile/Entries/000',
    'tile/0/000.p/0',
    'tile/0/000.p/00',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/1000',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000.p/1/',
    'tile/0/000.p/+1',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
    'tile//000',
    'tile/0/../0/000',
    'tile/0/٠٠٠',
    'tile/0/x009/x007/x199/x254/x740/992',
    `tile/0/${'x001/'.repeat(6)}001`,
    'checkpoint',
  ])('refused: %j', (path) => {
    expect(() => pathToTile(path)).toThrow(malformed);
  });

  test('any text is a path or refused with its code', () => {
    const pieces = fc.array(
      fc.constantFrom('tile', '/', 'x', '.p/', '000', '001', '0', '9', 'entries', '-', '256'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((some) => some.join('')),
        ),
        (path) => {
          const tile = attempt(() => pathToTile(path));
          if (tile !== null) expect(tileToPath(tile)).toBe(path);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test.each<TileId>([
    { level: 64, index: 0, width: 1 },
    { level: -1, index: 0, width: 1 },
    { level: 0.5, index: 0, width: 1 },
    { level: 0, index: -1, width: 1 },
    { level: 0, index: 2 ** 53, width: 1 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
    { level: 0, index: 0, width: 1.5 },
  ])('no path is written for %j', (tile) => {
    expect(() => tileToPath(tile)).toThrow(malformed);
  });
});

describe('bytes', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

  test('tiles are read and written alike, in no other width', () => {
    fc.assert(
      fc.property(fc.array(hash, { minLength: 1, maxLength: 256 }), fc.nat(300), (hashes, width) => {
        const tile = encodeTile(hashes);
        expect(decodeTile(tile, hashes.length)).toEqual(hashes);
        if (width !== hashes.length) expect(() => decodeTile(tile, width)).toThrow(malformed);
        expect(() => decodeTile(tile.subarray(1), hashes.length)).toThrow(malformed);
      }),
    );
  });

  test('bundles are read and written alike, in no other width', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(entries, fc.nat(300), (some, width) => {
        const bundle = encodeEntryBundle(some);
        expect(decodeEntryBundle(bundle, some.length)).toEqual(some);
        if (width !== some.length) expect(() => decodeEntryBundle(bundle, width)).toThrow(malformed);
      }),
    );
  });

  test('any bytes are one bundle or refused with its code', () => {
    const length = fc.integer({ min: 0, max: 3 });
    const almost = fc
      .array(fc.tuple(length, length), { maxLength: 5 })
      .map((some) => some.flatMap(([says, has]) => [0, says, ...Array<number>(has).fill(7)]))
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), almost), fc.nat(6), (bytes, width) => {
        const entries = attempt(() => decodeEntryBundle(bytes, width));
        if (entries !== null) expect(encodeEntryBundle(entries)).toEqual(bytes);
      }),
      { numRuns: 1_000 },
    );
  });

  test('an entry has at most 65,535 bytes, a bundle at most 256 entries and at least one', () => {
    const largest = new Uint8Array(MAX_ENTRY_LENGTH).fill(1);
    expect(decodeEntryBundle(encodeEntryBundle([largest]), 1)).toEqual([largest]);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(malformed);
    expect(() => encodeEntryBundle([])).toThrow(malformed);
    expect(() => encodeEntryBundle(Array<Uint8Array>(257).fill(Uint8Array.of(1)))).toThrow(malformed);
  });

  test('what is no row of hashes is not written', () => {
    expect(() => encodeTile([])).toThrow(malformed);
    expect(() => encodeTile([new Uint8Array(31)])).toThrow(malformed);
    expect(() => encodeTile([new Uint8Array(33), new Uint8Array(31)])).toThrow(malformed);
    expect(() => encodeTile(Array<Uint8Array>(257).fill(new Uint8Array(32)))).toThrow(malformed);
  });
});

/** Null where it is refused as it should be; anything else that is thrown fails the test. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuditError && error.code === 'tile/malformed') return null;
    throw error;
  }
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
