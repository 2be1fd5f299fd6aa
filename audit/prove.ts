// Proofs are made from the hashes of complete subtrees. Level 0 holds the leaf hashes, and the subtree (level, index)
// covers the leaves from index * 2^level up to (index + 1) * 2^level. Only complete subtrees are ever stored, because
// their hashes never change again; the ragged right edge is folded from them when it is asked for. Paths follow RFC 6962
// sections 2.1.1 and 2.1.2.

import { AuditError } from './errors.ts';
import { sha256, type Sha256 } from './hash.ts';
import { hashChildren, isCount } from './merkle.ts';

export interface SubtreeId {
  level: number;
  index: number;
}

/** Reads hashes of complete subtrees, in the order asked; throws `log/missing-hash` if one is not there. */
export type HashReader = (ids: SubtreeId[]) => Promise<Uint8Array[]>;

/** Reads O(log size) hashes in one call. Throws `merkle/out-of-range` unless 0 <= index < size. */
export async function proveInclusion(
  index: number,
  size: number,
  reader: HashReader,
  hash: Sha256 = sha256,
): Promise<Uint8Array[]> {
  if (!isCount(size) || !isCount(index) || index >= size)
    throw outOfRange(`no leaf ${index} in a tree of ${size}`);
  const path: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      path.unshift({ start: middle, end });
      end = middle;
    } else {
      path.unshift({ start, end: middle });
      start = middle;
    }
  }
  return readRanges(path, reader, hash);
}

/** Reads O(log size2) hashes in one call. Throws `merkle/out-of-range` unless 0 < size1 <= size2. */
export async function proveConsistency(
  size1: number,
  size2: number,
  reader: HashReader,
  hash: Sha256 = sha256,
): Promise<Uint8Array[]> {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2) {
    throw outOfRange(`no proof leads from a tree of ${size1} to one of ${size2}`);
  }
  const path: Range[] = [];
  let [start, end] = [0, size2];
  // Walk down towards the old tree's right edge; stop where a whole subtree belongs to the old tree.
  while (end !== size1) {
    const middle = start + splitPoint(end - start);
    if (size1 <= middle) {
      path.unshift({ start: middle, end });
      end = middle;
    } else {
      path.unshift({ start, end: middle });
      start = middle;
    }
  }
  // The verifier holds the old root already; below it, it needs the subtree at which the walk stopped.
  if (start !== 0) path.unshift({ start, end });
  return readRanges(path, reader, hash);
}

/** The complete subtrees, largest first, that make up the leaves [start, end); start must be aligned for the first. */
export function completeSubtrees(start: number, end: number): SubtreeId[] {
  const ids: SubtreeId[] = [];
  for (let at = start; at < end;) {
    const level = floorLog2(end - at);
    const width = 2 ** level;
    ids.push({ level, index: at / width });
    at += width;
  }
  return ids;
}

/** The hash over complete subtrees in order, largest first: what `completeSubtrees` lists. At least one is needed. */
export function foldSubtrees(hashes: readonly Uint8Array[], hash: Sha256 = sha256): Uint8Array {
  return hashes.reduceRight((right, left) => hashChildren(left, right, hash));
}

interface Range {
  start: number;
  end: number;
}

async function readRanges(ranges: Range[], reader: HashReader, hash: Sha256): Promise<Uint8Array[]> {
  const ids = ranges.map(({ start, end }) => completeSubtrees(start, end));
  const hashes = await reader(ids.flat());
  let at = 0;
  return ids.map(({ length }) => foldSubtrees(hashes.slice(at, (at += length)), hash));
}

/** The largest power of two below `size`, for size > 1. */
function splitPoint(size: number): number {
  return 2 ** floorLog2(size - 1);
}

/** For value >= 1; Math.log2 rounds up close below large powers of two. */
function floorLog2(value: number): number {
  let exponent = 0;
  while (2 ** (exponent + 1) <= value) exponent++;
  return exponent;
}

function outOfRange(message: string): AuditError {
  return new AuditError('merkle/out-of-range', message);
}
