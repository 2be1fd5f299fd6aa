import { sha256, type Sha256 } from './hash.ts';
import { EMPTY_ROOT, hashChildren } from './merkle.ts';
import { foldSubtrees, type SubtreeId } from './prove.ts';

/**
 * The right edge of a growing tree: the hashes of the complete subtrees that `completeSubtrees(0, size)` lists. That is
 * all an append needs, at most 53 hashes whatever the size.
 */
export interface CompactRange {
  size(): number;
  /** Adds one leaf hash and returns the complete subtrees that it closes, its own level 0 first. */
  append(leafHash: Uint8Array): StoredHash[];
  root(): Uint8Array;
}

export interface StoredHash extends SubtreeId {
  hash: Uint8Array;
}

/** `peaks` are the hashes that `completeSubtrees(0, size)` lists, in its order; leave both out for an empty tree. */
export function createCompactRange(
  size = 0,
  peaks: readonly Uint8Array[] = [],
  hash: Sha256 = sha256,
): CompactRange {
  const edge = [...peaks];
  let count = size;
  return {
    size: () => count,
    root: () => (count === 0 ? EMPTY_ROOT : foldSubtrees(edge, hash)),
    append: (leafHash) => {
      let node: StoredHash = { level: 0, index: count, hash: leafHash };
      const closed = [node];
      // A right child closes its parent, whose left child is the smallest subtree on the edge.
      while (node.index % 2 === 1) {
        const left = edge.pop()!;
        node = {
          level: node.level + 1,
          index: (node.index - 1) / 2,
          hash: hashChildren(left, node.hash, hash),
        };
        closed.push(node);
      }
      edge.push(node.hash);
      count++;
      return closed;
    },
  };
}
