import type { Sha256 } from './hash.ts';
import { EMPTY_ROOT, hashChildren } from './merkle.ts';
import { completeSubtrees, foldSubtrees } from './prove.ts';
import { TILE_HEIGHT } from './tile-path.ts';

/** The hashes of a tile, and above them those of all complete subtrees within it: 256, 128 … 1 of a full one. */
export type Pyramid = Uint8Array[][];

export function createPyramid(hashes: readonly Uint8Array[], hash: Sha256): Pyramid {
  const pyramid = [[...hashes]];
  for (let height = 1; height <= TILE_HEIGHT; height++) {
    const below = pyramid[height - 1]!;
    const count = Math.floor(below.length / 2);
    pyramid.push(
      Array.from({ length: count }, (_, i) => hashChildren(below[2 * i]!, below[2 * i + 1]!, hash)),
    );
  }
  return pyramid;
}

/**
 * What `completeSubtrees(0, size)` lists, from the rows that a tree of `size` leaves has begun and not filled, each exactly so far, by the
 * level of their tiles.
 */
export function peaksOf(begun: ReadonlyMap<number, Pyramid>, size: number): Uint8Array[] {
  return completeSubtrees(0, size).map(({ level }) => {
    // Within its row, a peak is the last subtree of its height that is complete.
    return begun.get(Math.floor(level / TILE_HEIGHT))![level % TILE_HEIGHT]!.at(-1)!;
  });
}

export function rootOfPeaks(peaks: readonly Uint8Array[], hash: Sha256): Uint8Array {
  return peaks.length === 0 ? EMPTY_ROOT : foldSubtrees(peaks, hash);
}
