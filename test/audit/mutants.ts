import {
  EMPTY_ROOT,
  hexToBytes,
  utf8ToBytes,
  type verifyConsistency,
  type verifyInclusion,
} from '@twinkeep/audit';

import { hexes, rfc } from './vectors.ts';

// Proofs of the vectors, and what transparency-dev/merkle makes of a proof that must not hold any more (`corruptInclusionProof` and
// `corruptConsistencyProof`), with a few mutations more.

export type Inclusion = Parameters<typeof verifyInclusion>[0];
export type Consistency = Parameters<typeof verifyConsistency>[0];

export const SOME_HASH: Uint8Array = hexToBytes(
  'abacaba000000000000000000000000000000000000000000060061e00123456',
);
export const GARBAGE: Uint8Array = new Uint8Array(0);

/** All of the eight leaves. */
export const inclusion: Inclusion[] = rfc.inclusion.map(({ index, size, leafHash, root, proof }) => ({
  index,
  size,
  leafHash: hexToBytes(leafHash),
  root: hexToBytes(root),
  proof: hexes(proof),
}));
export const consistency: Consistency[] = rfc.consistency.map(({ size1, size2, root1, root2, proof }) => ({
  size1,
  size2,
  root1: hexToBytes(root1),
  root2: hexToBytes(root2),
  proof: hexes(proof),
}));

export function inclusionMutants(claim: Inclusion): [string, Inclusion][] {
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

export function consistencyMutants(claim: Consistency): [string, Consistency][] {
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
