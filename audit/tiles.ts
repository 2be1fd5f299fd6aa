// The bytes of tiles and entry bundles (C2SP tlog-tiles), and which of them a tree of a given size has:
//
//   tile    hashes of 32 bytes, one after the other
//   bundle  (length as uint16 big-endian || entry) one after the other, so that an entry has at most 65,535 bytes
//
// A row that is not full is a partial tile: a tree of s leaves has floor(s / 256^L) mod 256 hashes in the one of level L. A full tile
// never changes, a partial one is the beginning of the full one. What is above level 0 repeats, for readers of few tiles, what
// the rows below it hash to.

import { concatBytes } from './bytes.ts';
import { AuditError } from './errors.ts';
import { HASH_LENGTH } from './hash.ts';
import { isCount } from './merkle.ts';
import type { SubtreeId } from './prove.ts';
import { requireTile, TILE_HEIGHT, TILE_WIDTH, type TileId } from './tile-path.ts';

/** Of one entry of a log that is served in tiles, in bytes. */
export const MAX_ENTRY_LENGTH = 0xffff;

/** Throws `tile/malformed` unless these are 1 to 256 hashes of 32 bytes. */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  requireTile({ level: 0, index: 0, width: hashes.length });
  if (hashes.some((hash) => hash.length !== HASH_LENGTH)) throw malformed('a hash has 32 bytes');
  return concatBytes(...hashes);
}

/** Throws `tile/malformed` unless the bytes are exactly `width` hashes. The hashes are views of the bytes. */
export function decodeTile(bytes: Uint8Array, width: number): Uint8Array[] {
  requireTile({ level: 0, index: 0, width });
  if (bytes.length !== width * HASH_LENGTH) throw malformed(`${bytes.length} bytes are not ${width} hashes`);
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
}

/** Throws `tile/malformed` unless these are 1 to 256 entries of at most 65,535 bytes. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  requireTile({ level: 'entries', index: 0, width: entries.length });
  const bytes = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_LENGTH) throw malformed(`an entry has at most ${MAX_ENTRY_LENGTH} bytes`);
    bytes[at] = entry.length >> 8;
    bytes[at + 1] = entry.length & 0xff;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** Throws `tile/malformed` unless the bytes are exactly `width` entries. The entries are views of the bytes. */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  requireTile({ level: 'entries', index: 0, width });
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bytes.length) throw malformed(`the bundle ends after ${entries.length} of ${width} entries`);
    const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
    if (end > bytes.length) throw malformed(`entry ${entries.length} is cut off`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (at !== bytes.length) throw malformed(`bytes after the last of ${width} entries`);
  return entries;
}

/**
 * Every tile of a tree of `size` leaves, each in its last width, except those that a tree of `from` leaves has in that width already.
 * In an order in which they can be made from the leaves: a bundle before its tile, a tile before the one that repeats its root.
 */
export function* tilesFor(size: number, from = 0): Generator<TileId, void, undefined> {
  requireSize(size);
  requireSize(from);
  for (let row = Math.floor(from / TILE_WIDTH); (row + 1) * TILE_WIDTH <= size; row++) {
    yield { level: 'entries', index: row, width: TILE_WIDTH };
    yield { level: 0, index: row, width: TILE_WIDTH };
    // A row that fills a tile above it, which may fill another.
    let rows = row + 1;
    for (let level = 1; rows % TILE_WIDTH === 0; level++) {
      rows /= TILE_WIDTH;
      yield { level, index: rows - 1, width: TILE_WIDTH };
    }
  }
  for (const tile of partialTilesOf(size)) {
    const unit = unitOf(tile.level);
    if (Math.floor(size / unit) > Math.floor(from / unit)) yield tile;
  }
}

/** The rows that a tree of `size` leaves has begun and not filled, lowest first: of the bundles one, of each level at most one. */
export function partialTilesOf(size: number): TileId[] {
  requireSize(size);
  const tiles: TileId[] = [];
  let count = size;
  for (let level = 0; count > 0; level++) {
    const width = count % TILE_WIDTH;
    const index = (count - width) / TILE_WIDTH;
    if (width > 0 && level === 0) tiles.push({ level: 'entries', index, width });
    if (width > 0) tiles.push({ level, index, width });
    count = index;
  }
  return tiles;
}

/**
 * The leaves `start ..< end` that a tile is over. A tree of `size` leaves has the tile, or had it on the way, if `end <= size`; a
 * log that is pruned to a minimum index may lack it if the end of the full tile is not above that. Beyond 2^53 both are inexact.
 */
export function tileToLeaves({ level, index, width }: TileId): { start: number; end: number } {
  const unit = unitOf(level);
  return { start: index * TILE_WIDTH * unit, end: (index * TILE_WIDTH + width) * unit };
}

/** The subtrees whose hashes the tile is made of, in order: what a `HashReader` answers with the tile. Of a bundle: its leaves'. */
export function tileToSubtrees({ level, index, width }: TileId): SubtreeId[] {
  const height = level === 'entries' ? 0 : level * TILE_HEIGHT;
  return Array.from({ length: width }, (_, i) => ({ level: height, index: index * TILE_WIDTH + i }));
}

/** Leaves below one hash of a tile; for a bundle, one. */
function unitOf(level: TileId['level']): number {
  return level === 'entries' ? 1 : TILE_WIDTH ** level;
}

function requireSize(size: number): void {
  if (!isCount(size)) throw malformed(`${size} is not a count of leaves`);
}

function malformed(message: string): AuditError {
  return new AuditError('tile/malformed', `tile: ${message}`);
}
