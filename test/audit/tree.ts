import { createCompactRange, hashLeaf, utf8ToBytes, type HashReader, type StoredHash } from '@twinkeep/audit';

/** All complete subtrees over the leaves, as a reader. */
export function treeReader(leaves: Uint8Array[]): HashReader {
  const edge = createCompactRange();
  const stored = new Map<string, StoredHash>();
  for (const leaf of leaves) {
    for (const each of edge.append(hashLeaf(leaf))) stored.set(`${each.level}/${each.index}`, each);
  }
  return (ids) => Promise.resolve(ids.map(({ level, index }) => stored.get(`${level}/${index}`)!.hash));
}

/** The inputs of golang.org/x/mod sumdb/tlog and of `tlog-tiles.json`. */
export function numberedLeaves(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, i) => utf8ToBytes(`leaf ${i}`));
}
