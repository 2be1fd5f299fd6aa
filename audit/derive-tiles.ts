// Derives a log's tiles from its entries and compares each with the one that is served (see fsck-tiles.ts).

import { equalBytes } from './bytes.ts';
import { createCompactRange, type CompactRange } from './compact-range.ts';
import { TileError } from './errors.ts';
import type { Sha256 } from './hash.ts';
import { hashLeaf } from './merkle.ts';
import type { SubtreeId } from './prove.ts';
import { createPyramid, peaksOf } from './pyramid.ts';
import { readAhead } from './read-ahead.ts';
import { TILE_HEIGHT, TILE_WIDTH, tileToPath, type TileId } from './tile-path.ts';
import { CHECKPOINT_PATH, readRow, type TileReader } from './tile-reader.ts';
import type { TileTree } from './tile-tree.ts';
import { tilesFor } from './tiles.ts';

interface Derivation {
  reader: TileReader;
  size: number;
  /** First entry to read; a multiple of 256. What is before it is taken from the tiles and believed if the root comes out right. */
  start: number;
  /** The same tiles, as far as they lead to the signed root: who is right where two disagree. */
  tree: TileTree;
  hash: Sha256;
  /** Called for each entry, with the tree up to and with it. */
  visit: (entry: Uint8Array, edge: CompactRange) => void;
}

/** Tiles that are waited for at once. */
const AHEAD = 8;

/** The root that the entries lead to. Throws a `TileError` that names the first resource that is missing or not what it should be. */
export async function deriveTiles({
  reader,
  size,
  start,
  tree,
  hash,
  visit,
}: Derivation): Promise<Uint8Array> {
  const begun = await readBegun(reader, start, size);
  const pyramids = new Map([...begun].map(([level, row]) => [level, createPyramid(row, hash)]));
  const edge = createCompactRange(start, peaksOf(pyramids, start), hash);
  const read = async (tile: TileId): Promise<[TileId, Uint8Array[]]> => [tile, await readRow(reader, tile)];

  for await (const [tile, row] of readAhead(tilesFor(size, start), read, AHEAD)) {
    if (tile.level === 'entries') {
      for (const entry of row) {
        for (const closed of edge.append(hashLeaf(entry, hash))) keep(closed, begun);
        visit(entry, edge);
      }
    } else {
      const derived = begun.get(tile.level)!;
      const wrong = row.findIndex((each, i) => !equalBytes(each, derived[i]!));
      if (wrong !== -1) throw await blame(tile, wrong, tree);
      if (tile.width === TILE_WIDTH) begun.set(tile.level, []);
    }
  }
  return edge.root();
}

/** The rows that the tree of the first `start` leaves had begun, as the tiles of the larger tree begin. */
async function readBegun(
  reader: TileReader,
  start: number,
  size: number,
): Promise<Map<number, Uint8Array[]>> {
  const begun = new Map<number, Uint8Array[]>();
  let [before, count] = [start, size];
  for (let level = 0; before > 0; level++) {
    const [index, length] = [Math.floor(before / TILE_WIDTH), before % TILE_WIDTH];
    const width = Math.min(TILE_WIDTH, count - index * TILE_WIDTH);
    if (length > 0) begun.set(level, (await readRow(reader, { level, index, width })).slice(0, length));
    [before, count] = [index, Math.floor(count / TILE_WIDTH)];
  }
  return begun;
}

/** A hash of a subtree that is one of a tile, into its row. */
function keep({ level, hash }: SubtreeId & { hash: Uint8Array }, rows: Map<number, Uint8Array[]>): void {
  if (level % TILE_HEIGHT !== 0) return;
  const row = rows.get(level / TILE_HEIGHT);
  if (row === undefined) rows.set(level / TILE_HEIGHT, [hash]);
  else row.push(hash);
}

/** A tile and what is below it lead to different hashes at `position`. One that leads to the signed root is not the one to blame. */
async function blame({ level, index, width }: TileId, position: number, tree: TileTree): Promise<TileError> {
  const at = index * TILE_WIDTH + position;
  try {
    // Each of these fails at the first tile, from the root downwards, that does not belong into the tree.
    if (level === 0) await tree.entries(index * TILE_WIDTH, index * TILE_WIDTH + width);
    else if (level !== 'entries')
      await tree.hashes([
        { level: level * TILE_HEIGHT, index: at },
        { level: (level - 1) * TILE_HEIGHT, index: at * TILE_WIDTH },
      ]);
  } catch (error) {
    if (!(error instanceof TileError)) throw error;
    if (error.path !== CHECKPOINT_PATH) return error;
  }
  const path = tileToPath({ level, index, width });
  return new TileError('tile/disagrees', path, `hash ${position} is not the one that the entries lead to`);
}
