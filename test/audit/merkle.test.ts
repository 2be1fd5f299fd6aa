import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  AuditError,
  bytesToBase64,
  bytesToHex,
  completeSubtrees,
  concatBytes,
  createCompactRange,
  EMPTY_ROOT,
  foldSubtrees,
  hashChildren,
  hashLeaf,
  hexToBytes,
  proveConsistency,
  proveInclusion,
  rootFromInclusion,
  sha256,
  utf8ToBytes,
  verifyConsistency,
  verifyInclusion,
} from '@twinkeep/audit';

import { consistency, mth, path } from './reference.ts';
import { numberedLeaves, treeReader } from './tree.ts';
import { hexes, rfc, tiles } from './vectors.ts';

const MAX_SIZE = 70;
const leaves = numberedLeaves(MAX_SIZE);

describe('published vectors', () => {
  test('leaf and node hashes', () => {
    expect(rfc.leaves).toHaveLength(8);
    for (const { inputHex, leafHash } of rfc.leaves) {
      expect(bytesToHex(hashLeaf(hexToBytes(inputHex)))).toBe(leafHash);
    }
    expect(bytesToHex(hashLeaf(utf8ToBytes('L123456')))).toBe(
      '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
    );
    expect(bytesToHex(hashChildren(utf8ToBytes('N123'), utf8ToBytes('N456')))).toBe(
      'aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb',
    );
    expect(bytesToBase64(hashLeaf(utf8ToBytes('hello world')))).toBe(
      'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=',
    );
    expect(bytesToHex(EMPTY_ROOT)).toBe(rfc.roots[0]!.root);
  });

  test('roots of 0 to 8 leaves', () => {
    const edge = createCompactRange();
    for (const { size, root } of rfc.roots) {
      if (size > 0) edge.append(hashLeaf(hexToBytes(rfc.leaves[size - 1]!.inputHex)));
      expect(edge.size()).toBe(size);
      expect(bytesToHex(edge.root())).toBe(root);
    }
  });

  test('roots of up to 70,000 leaves', () => {
    const edge = createCompactRange();
    const roots: Record<string, string> = {};
    for (const leaf of numberedLeaves(70_000)) {
      edge.append(hashLeaf(leaf));
      if (edge.size() in tiles.roots) roots[edge.size()] = bytesToHex(edge.root());
    }
    expect(Object.keys(roots)).toHaveLength(7);
    expect(roots).toEqual(tiles.roots);
  });

  test('inclusion proofs are made and verified', async () => {
    expect(rfc.inclusion).toHaveLength(36);
    const reader = treeReader(rfc.leaves.map(({ inputHex }) => hexToBytes(inputHex)));
    for (const { index, size, leafHash, root, proof } of rfc.inclusion) {
      const made = await proveInclusion(index, size, reader);
      expect(made.map(bytesToHex)).toEqual(proof);
      const claim = {
        index,
        size,
        proof: hexes(proof),
        leafHash: hexToBytes(leafHash),
        root: hexToBytes(root),
      };
      expect(verifyInclusion(claim)).toBe(true);
      expect(bytesToHex(rootFromInclusion(claim))).toBe(root);
    }
  });

  test('consistency proofs are made and verified', async () => {
    expect(rfc.consistency).toHaveLength(36);
    const reader = treeReader(rfc.leaves.map(({ inputHex }) => hexToBytes(inputHex)));
    for (const { size1, size2, root1, root2, proof } of rfc.consistency) {
      const made = await proveConsistency(size1, size2, reader);
      expect(made.map(bytesToHex)).toEqual(proof);
      const claim = { size1, size2, proof: hexes(proof), root1: hexToBytes(root1), root2: hexToBytes(root2) };
      expect(verifyConsistency(claim)).toBe(true);
    }
  });
});

describe('against the definitions of RFC 6962', () => {
  const reader = treeReader(leaves);
  const roots = Array.from({ length: MAX_SIZE + 1 }, (_, size) => mth(leaves.slice(0, size)));

  test('every inclusion proof in every tree of up to 70 leaves', async () => {
    for (let size = 1; size <= MAX_SIZE; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await proveInclusion(index, size, reader);
        const claim = { index, size, proof, leafHash: hashLeaf(leaves[index]!), root: roots[size]! };
        expect(verifyInclusion(claim)).toBe(true);
      }
    }
  });

  test('every consistency proof between trees of up to 70 leaves', async () => {
    for (let size2 = 1; size2 <= MAX_SIZE; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        const proof = await proveConsistency(size1, size2, reader);
        const claim = { size1, size2, proof, root1: roots[size1]!, root2: roots[size2]! };
        expect(verifyConsistency(claim)).toBe(true);
      }
    }
  });

  test('proofs are the ones that the RFC defines', async () => {
    const sizes = fc
      .tuple(fc.integer({ min: 1, max: MAX_SIZE }), fc.nat())
      .map(([size, n]) => [size, n % size]);
    await fc.assert(
      fc.asyncProperty(sizes, async ([size, index]) => {
        const tree = leaves.slice(0, size);
        expect(await proveInclusion(index!, size!, reader)).toEqual(path(index!, tree));
        expect(await proveConsistency(index! + 1, size!, reader)).toEqual(consistency(index! + 1, tree));
      }),
    );
  });

  test('appending k and then n more leaves makes the tree of all of them', () => {
    const data = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(data, data, (first, second) => {
        const whole = createCompactRange();
        for (const leaf of first) whole.append(hashLeaf(leaf));
        expect(whole.root()).toEqual(mth(first));
        const stored = first.length === 0 ? [] : peaks(first);
        const resumed = createCompactRange(first.length, stored);
        for (const leaf of second) {
          expect(resumed.append(hashLeaf(leaf))).toEqual(whole.append(hashLeaf(leaf)));
        }
        expect(resumed.root()).toEqual(mth([...first, ...second]));
        expect(resumed.size()).toBe(first.length + second.length);
      }),
    );
  });

  test('an append closes exactly the subtrees that end at its leaf', () => {
    const edge = createCompactRange();
    for (const [index, leaf] of leaves.entries()) {
      for (const { level, index: at, hash } of edge.append(hashLeaf(leaf))) {
        const width = 2 ** level;
        expect((at + 1) * width).toBe(index + 1);
        expect(hash).toEqual(mth(leaves.slice(at * width, (at + 1) * width)));
      }
    }
  });

  test('complete subtrees are the binary digits of the size, largest first', () => {
    const sizes = fc.maxSafeNat();
    fc.assert(
      fc.property(sizes, (size) => {
        const ids = completeSubtrees(0, size);
        const digits = size.toString(2).split('').map(Number);
        expect(ids.map(({ level }) => level)).toEqual(
          digits.flatMap((digit, i) => (digit === 1 ? [digits.length - 1 - i] : [])),
        );
        let end = 0;
        for (const { level, index } of ids) {
          expect(index * 2 ** level).toBe(end);
          end += 2 ** level;
        }
        expect(end).toBe(size);
      }),
      { examples: [[2 ** 53 - 1], [2 ** 52], [2 ** 52 - 1], [2 ** 48 - 1]] },
    );
  });
});

describe('proofs beyond 2^32 leaves', () => {
  // A tree of 2^53 - 1 equal leaves: each complete subtree of a level has the same hash.
  const levels = [hashLeaf(new Uint8Array(0))];
  while (levels.length < 53) levels.push(hashChildren(levels.at(-1)!, levels.at(-1)!));
  const reader = (ids: { level: number }[]): Promise<Uint8Array[]> =>
    Promise.resolve(ids.map(({ level }) => levels[level]!));
  const rootOf = (size: number): Uint8Array =>
    foldSubtrees(completeSubtrees(0, size).map(({ level }) => levels[level]!));

  test.each([2 ** 53 - 1, 2 ** 52, 2 ** 33 + 5, 2 ** 48 - 1])('in a tree of %d', async (size) => {
    for (const index of [0, 1, 2 ** 31, 2 ** 32 + 1, size - 1]) {
      const proof = await proveInclusion(index, size, reader);
      expect(verifyInclusion({ index, size, proof, leafHash: levels[0]!, root: rootOf(size) })).toBe(true);
      const claim = { size1: index + 1, size2: size, root1: rootOf(index + 1), root2: rootOf(size) };
      expect(verifyConsistency({ ...claim, proof: await proveConsistency(index + 1, size, reader) })).toBe(
        true,
      );
    }
  });
});

describe('refusals', () => {
  test('no proof is made where none exists', async () => {
    const reader = treeReader(leaves);
    for (const [index, size] of [
      [0, 0],
      [8, 8],
      [-1, 8],
      [0.5, 8],
      [0, -1],
      [0, 2 ** 53],
      [Number.NaN, 8],
    ]) {
      await expect(proveInclusion(index!, size!, reader)).rejects.toMatchObject({
        code: 'merkle/out-of-range',
      });
    }
    for (const [size1, size2] of [
      [0, 8],
      [9, 8],
      [-1, 8],
      [1.5, 8],
      [1, 2 ** 53],
    ]) {
      await expect(proveConsistency(size1!, size2!, reader)).rejects.toMatchObject({
        code: 'merkle/out-of-range',
      });
    }
  });

  test('sizes that are not counts verify nothing', () => {
    const root = hashLeaf(leaves[0]!);
    for (const bad of [-1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyInclusion({ index: 0, size: bad, proof: [], leafHash: root, root })).toBe(false);
      expect(verifyInclusion({ index: bad, size: 1, proof: [], leafHash: root, root })).toBe(false);
      expect(verifyConsistency({ size1: bad, size2: bad, proof: [], root1: root, root2: root })).toBe(false);
    }
  });

  test('a proof that does not fit its tree names its code', () => {
    const leafHash = hashLeaf(leaves[0]!);
    expect(() => rootFromInclusion({ index: 1, size: 1, proof: [], leafHash })).toThrow(AuditError);
    expect(() => rootFromInclusion({ index: 0, size: 2, proof: [], leafHash })).toThrow(/too short/);
    expect(() => rootFromInclusion({ index: 0, size: 1, proof: [leafHash], leafHash })).toThrow(/too long/);
  });

  test('a short leaf hash and a long sibling do not stand in for two of 32 bytes', () => {
    const joined = concatBytes(hashLeaf(leaves[0]!), hashLeaf(leaves[1]!));
    const root = hashChildren(joined.slice(0, 32), joined.slice(32));
    const claim = { index: 0, size: 2, root };
    const cut = (at: number): boolean =>
      verifyInclusion({ ...claim, leafHash: joined.slice(0, at), proof: [joined.slice(at)] });
    expect(hashChildren(joined.slice(0, 20), joined.slice(20))).toEqual(root);
    expect(cut(32)).toBe(true);
    expect(cut(20)).toBe(false);
    expect(cut(64)).toBe(false);
  });

  test('another hash makes another tree', () => {
    const claim = { index: 0, size: 1, proof: [], leafHash: hashLeaf(leaves[0]!, doubleSha256) };
    expect(verifyInclusion({ ...claim, root: hashLeaf(leaves[0]!, doubleSha256) }, doubleSha256)).toBe(true);
    expect(verifyInclusion({ ...claim, root: hashLeaf(leaves[0]!) }, doubleSha256)).toBe(false);
  });
});

function peaks(data: Uint8Array[]): Uint8Array[] {
  return completeSubtrees(0, data.length).map(({ level, index }) =>
    mth(data.slice(index * 2 ** level, (index + 1) * 2 ** level)),
  );
}

function doubleSha256(data: Uint8Array): Uint8Array {
  return sha256(sha256(data));
}
