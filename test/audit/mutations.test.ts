import { describe, expect, test } from 'vitest';

import { EMPTY_ROOT, hexToBytes, utf8ToBytes, verifyConsistency, verifyInclusion } from '@twinkeep/audit';

import { hexes, rfc } from './vectors.ts';

// The probes of transparency-dev/merkle (`corruptInclusionProof`, `corruptConsistencyProof` and the additional ones in
// its testdata), generated from all proofs of the eight leaves instead of from six.

type Inclusion = Parameters<typeof verifyInclusion>[0];
type Consistency = Parameters<typeof verifyConsistency>[0];

const SOME_HASH = hexToBytes('abacaba000000000000000000000000000000000000000000060061e00123456');
const GARBAGE = new Uint8Array(0);

const inclusion: Inclusion[] = rfc.inclusion.map(({ index, size, leafHash, root, proof }) => ({
  index,
  size,
  leafHash: hexToBytes(leafHash),
  root: hexToBytes(root),
  proof: hexes(proof),
}));
const consistency: Consistency[] = rfc.consistency.map(({ size1, size2, root1, root2, proof }) => ({
  size1,
  size2,
  root1: hexToBytes(root1),
  root2: hexToBytes(root2),
  proof: hexes(proof),
}));

describe('inclusion', () => {
  test.each(inclusion)('leaf $index of $size: the proof holds and none of its mutations', (claim) => {
    expect(verifyInclusion(claim)).toBe(true);
    const mutants = inclusionMutants(claim);
    expect(mutants.length).toBeGreaterThanOrEqual(14);
    expect(mutants.filter(([, mutant]) => verifyInclusion(mutant)).map(([name]) => name)).toEqual([]);
  });

  test('of nothing in nothing', () => {
    for (const [index, size] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [2, 1],
    ] as const) {
      for (const [leafHash, root] of [
        [SOME_HASH, GARBAGE],
        [GARBAGE, EMPTY_ROOT],
        [SOME_HASH, EMPTY_ROOT],
      ] as const) {
        expect(verifyInclusion({ index, size, leafHash, root, proof: [] })).toBe(false);
      }
    }
    expect(verifyInclusion({ index: 0, size: 1, leafHash: SOME_HASH, root: SOME_HASH, proof: [] })).toBe(
      true,
    );
    expect(verifyInclusion({ index: 0, size: 1, leafHash: GARBAGE, root: GARBAGE, proof: [] })).toBe(false);
  });
});

describe('consistency', () => {
  const proper = consistency.filter(({ size1, size2 }) => size1 < size2);

  test.each(proper)('$size1 to $size2: the proof holds and none of its mutations', (claim) => {
    expect(verifyConsistency(claim)).toBe(true);
    const mutants = consistencyMutants(claim);
    expect(mutants.length).toBeGreaterThanOrEqual(20);
    expect(mutants.filter(([, mutant]) => verifyConsistency(mutant)).map(([name]) => name)).toEqual([]);
  });

  test('trees of the same size agree only if they are the same and nothing else is shown', () => {
    const dummy = utf8ToBytes("don't care 2");
    const other = utf8ToBytes("don't care 1");
    const same = { size1: 1, size2: 1, root1: dummy, root2: dummy, proof: [] };
    expect(verifyConsistency(same)).toBe(true);
    expect(verifyConsistency({ ...same, root2: other })).toBe(false);
    expect(verifyConsistency({ ...same, proof: [EMPTY_ROOT] })).toBe(false);
  });

  test('an empty older tree proves nothing', () => {
    const empty = { size1: 0, root1: EMPTY_ROOT, proof: [] };
    expect(verifyConsistency({ ...empty, size2: 0, root2: EMPTY_ROOT })).toBe(false);
    expect(verifyConsistency({ ...empty, size2: 0, root2: SOME_HASH })).toBe(false);
    expect(verifyConsistency({ ...empty, size2: 1, root2: SOME_HASH })).toBe(false);
    expect(verifyConsistency({ ...empty, size2: 0, root2: EMPTY_ROOT, proof: [EMPTY_ROOT] })).toBe(false);
    expect(verifyConsistency({ ...empty, size2: 1, root2: EMPTY_ROOT, proof: [EMPTY_ROOT] })).toBe(false);
  });

  test('a tree does not shrink', () => {
    const shrinking = { root1: SOME_HASH, root2: SOME_HASH, proof: [] };
    expect(verifyConsistency({ ...shrinking, size1: 1, size2: 0 })).toBe(false);
    expect(verifyConsistency({ ...shrinking, size1: 2, size2: 1 })).toBe(false);
  });
});

function inclusionMutants(claim: Inclusion): [string, Inclusion][] {
  const { index, size, root, proof } = claim;
  return [
    ['index - 1', { ...claim, index: index - 1 }],
    ['index + 1', { ...claim, index: index + 1 }],
    ['index ^ 2', { ...claim, index: index ^ 2 }],
    ['size * 2', { ...claim, size: size * 2 }],
    ['size / 2', { ...claim, size: Math.floor(size / 2) }],
    ['wrong leaf', { ...claim, leafHash: utf8ToBytes('WrongLeaf') }],
    ['random leaf', { ...claim, leafHash: SOME_HASH }],
    ['empty root', { ...claim, root: EMPTY_ROOT }],
    ['random root', { ...claim, root: SOME_HASH }],
    ['empty root and random leaf', { ...claim, root: EMPTY_ROOT, leafHash: SOME_HASH }],
    ['trailing garbage', { ...claim, proof: [...proof, GARBAGE] }],
    ['trailing root', { ...claim, proof: [...proof, root] }],
    ['preceding garbage', { ...claim, proof: [GARBAGE, ...proof] }],
    ['preceding root', { ...claim, proof: [root, ...proof] }],
    ...flipped(proof, 8).map(([name, changed]): [string, Inclusion] => [name, { ...claim, proof: changed }]),
    ...(proof.length > 0
      ? [['truncated', { ...claim, proof: proof.slice(0, -1) }] as [string, Inclusion]]
      : []),
    ...(proof.length > 0 ? [['empty', { ...claim, proof: [] }] as [string, Inclusion]] : []),
    ...inserted(proof).map(([name, changed]): [string, Inclusion] => [name, { ...claim, proof: changed }]),
  ];
}

function consistencyMutants(claim: Consistency): [string, Consistency][] {
  const { size1, size2, root1, root2, proof } = claim;
  const wrong = utf8ToBytes('WrongRoot');
  return [
    ['size1 - 1', { ...claim, size1: size1 - 1 }],
    ['size1 + 1', { ...claim, size1: size1 + 1 }],
    ['size1 ^ 2', { ...claim, size1: size1 ^ 2 }],
    ['size2 * 2', { ...claim, size2: size2 * 2 }],
    ['size2 / 2', { ...claim, size2: Math.floor(size2 / 2) }],
    ['wrong root1', { ...claim, root1: wrong }],
    ['wrong root2', { ...claim, root2: wrong }],
    ['swapped roots', { ...claim, root1: root2, root2: root1 }],
    ['empty proof', { ...claim, proof: [] }],
    ['truncated proof', { ...claim, proof: proof.slice(0, -1) }],
    ['trailing garbage', { ...claim, proof: [...proof, GARBAGE] }],
    ['trailing root1', { ...claim, proof: [...proof, root1] }],
    ['trailing root2', { ...claim, proof: [...proof, root2] }],
    ['preceding garbage', { ...claim, proof: [GARBAGE, ...proof] }],
    ['preceding root1', { ...claim, proof: [root1, ...proof] }],
    ['preceding root2', { ...claim, proof: [root2, ...proof] }],
    ['preceding proof[0]', { ...claim, proof: [proof[0]!, ...proof] }],
    ...flipped(proof, 16).map(([name, changed]): [string, Consistency] => [
      name,
      { ...claim, proof: changed },
    ]),
    ...inserted(proof).map(([name, changed]): [string, Consistency] => [name, { ...claim, proof: changed }]),
  ];
}

function flipped(proof: Uint8Array[], bit: number): [string, Uint8Array[]][] {
  return proof.map((hash, i) => {
    const changed = hash.slice();
    changed[0]! ^= bit;
    return [`flipped bit in proof[${i}]`, proof.with(i, changed)];
  });
}

function inserted(proof: Uint8Array[]): [string, Uint8Array[]][] {
  return Array.from({ length: proof.length + 1 }, (_, i) => [
    `inserted before proof[${i}]`,
    proof.toSpliced(i, 0, SOME_HASH),
  ]);
}
