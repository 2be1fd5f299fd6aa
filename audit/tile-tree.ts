// The tree of a verified checkpoint, read from tiles that nobody vouches for. A tile is believed once its hashes lead to the root:
//
//   right edge   the rows that the tree has begun and not filled; together they fold into the root
//   full tile    folds into one hash of the tile above it, which is believed or checked in the same way
//   bundle       its entries hash into the tile of level 0 over it
//
// So whatever comes out of here is what the checkpoint's signer signed, and a server of tiles can only withhold.

import { equalBytes } from './bytes.ts';
import { AuditError, TileError } from './errors.ts';
import { sha256, type Sha256 } from './hash.ts';
import { hashLeaf } from './merkle.ts';
import type { HashReader, SubtreeId } from './prove.ts';
import { createPyramid, peaksOf, rootOfPeaks, type Pyramid } from './pyramid.ts';
import { TILE_HEIGHT, TILE_WIDTH, tileToPath } from './tile-path.ts';
import { CHECKPOINT_PATH, readRow, type TileReader } from './tile-reader.ts';
import { partialTilesOf } from './tiles.ts';

export interface TileTree {
  /**
   * For `proveInclusion` and `proveConsistency` in any tree of up to the checkpoint's size. Rejects with a `TileError` that names what is
   * missing or untrue, and with `log/missing-hash` for a subtree that the tree has not.
   */
  hashes: HashReader;
  /** Entries `start ..< end` in order. Rejects as `hashes` does, and with `merkle/out-of-range` beyond the tree. */
  entries(start: number, end: number): Promise<Uint8Array[]>;
}

export interface TileTreeDeps {
  reader: TileReader;
  /** Of a checkpoint whose signature the caller has verified. */
  size: number;
  root: Uint8Array;
  hash?: Sha256;
}

/** Full tiles that stay in memory, about 30 kB each. */
const MAX_KEPT = 64;

export function createTileTree({ reader, size, root, hash = sha256 }: TileTreeDeps): TileTree {
  const kept = new Map<string, Promise<Pyramid>>();
  let edge: Promise<Map<number, Pyramid>> | null = null;

  const edgeTiles = (): Promise<Map<number, Pyramid>> => {
    edge ??= readEdge(reader, size, root, hash).catch((error: unknown) => {
      edge = null;
      throw error;
    });
    return edge;
  };

  const verifiedTile = async (level: number, index: number): Promise<Pyramid> => {
    const begun = (await edgeTiles()).get(level);
    if (begun !== undefined && index === rowOf(size, level)) return begun;
    const key = `${level}/${index}`;
    const known = kept.get(key) ?? readFull(level, index);
    kept.delete(key);
    kept.set(key, known);
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
    return known.catch((error: unknown) => {
      kept.delete(key);
      throw error;
    });
  };

  const readFull = async (level: number, index: number): Promise<Pyramid> => {
    const above = await verifiedTile(level + 1, Math.floor(index / TILE_WIDTH));
    const tile = { level, index, width: TILE_WIDTH };
    const pyramid = createPyramid(await readRow(reader, tile), hash);
    if (!equalBytes(pyramid[TILE_HEIGHT]![0]!, above[0]![index % TILE_WIDTH]!))
      throw new TileError('tile/disagrees', tileToPath(tile), 'does not hash into the tile above it');
    return pyramid;
  };

  const subtreeHash = async ({ level, index }: SubtreeId): Promise<Uint8Array> => {
    if ((index + 1) * 2 ** level > size)
      throw new AuditError('log/missing-hash', `no subtree ${level}/${index} in a tree of ${size}`);
    const [row, above] = [Math.floor(level / TILE_HEIGHT), level % TILE_HEIGHT];
    const width = TILE_WIDTH / 2 ** above;
    const pyramid = await verifiedTile(row, Math.floor(index / width));
    return pyramid[above]![index % width]!;
  };

  const bundle = async (index: number): Promise<Uint8Array[]> => {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const tile = { level: 'entries', index, width } as const;
    const [[hashes], entries] = await Promise.all([verifiedTile(0, index), readRow(reader, tile)]);
    const wrong = entries.findIndex((entry, i) => !equalBytes(hashLeaf(entry, hash), hashes![i]!));
    if (wrong === -1) return entries;
    throw new TileError(
      'tile/disagrees',
      tileToPath(tile),
      `entry ${index * TILE_WIDTH + wrong} is not the one that was logged`,
    );
  };

  return {
    hashes: (ids) => Promise.all(ids.map(subtreeHash)),
    entries: async (start, end) => {
      if (!(Number.isSafeInteger(start) && 0 <= start && start <= end && end <= size))
        throw new AuditError('merkle/out-of-range', `no entries ${start} to ${end} in a tree of ${size}`);
      const entries: Uint8Array[] = [];
      for (let index = Math.floor(start / TILE_WIDTH); index * TILE_WIDTH < end; index++) {
        const first = index * TILE_WIDTH;
        entries.push(...(await bundle(index)).slice(Math.max(0, start - first), end - first));
      }
      return entries;
    },
  };
}

async function readEdge(
  reader: TileReader,
  size: number,
  root: Uint8Array,
  hash: Sha256,
): Promise<Map<number, Pyramid>> {
  const edge = new Map<number, Pyramid>();
  for (const tile of partialTilesOf(size)) {
    if (tile.level !== 'entries') edge.set(tile.level, createPyramid(await readRow(reader, tile), hash));
  }
  if (equalBytes(rootOfPeaks(peaksOf(edge, size), hash), root)) return edge;
  throw new TileError(
    'tile/disagrees',
    CHECKPOINT_PATH,
    'the tiles at the right edge do not lead to its root',
  );
}

/** The row of a level that the tree has begun and not filled. */
function rowOf(size: number, level: number): number {
  return Math.floor(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH);
}
