import { describe, expect, test } from 'vitest';

import {
  EMPTY_ROOT,
  equalBytes,
  hashLeaf,
  utf8ToBytes,
  verifyConsistency,
  verifyInclusion,
} from '@twinkeep/audit';

import {
  consistency,
  consistencyMutants,
  GARBAGE,
  inclusion,
  inclusionMutants,
  SOME_HASH,
  type Consistency,
  type Inclusion,
} from './mutants.ts';

// The probes of transparency-dev/merkle's testdata/inclusion and testdata/consistency, made again: 98 of each. A verifier as RFC 9162
// words it tells apart all but one of each kind.

describe('the 98 probes of an inclusion proof', () => {
  const valid = [
    [0, 1],
    [0, 8],
    [5, 8],
    [2, 3],
    [1, 5],
  ].map(([index, size]) => inclusion.find((claim) => claim.index === index && claim.size === size)!);
  const probes: [string, Inclusion, boolean][] = [
    ...valid.map((claim): [string, Inclusion, boolean] => [`${claim.index} of ${claim.size}`, claim, true]),
    ...valid.flatMap((claim) =>
      inclusionMutants(claim)
        .filter(([name]) => isUpstreamInclusion(name, claim.proof.length))
        .map(([name, mutant]): [string, Inclusion, boolean] => [name, mutant, false]),
    ),
    ...singleEntry(),
    ...ofNothing(),
  ];

  test('are 5 valid ones, 77 mutations, 4 of a single entry, 12 of nothing', () => {
    expect(valid).toHaveLength(5);
    expect([singleEntry().length, ofNothing().length]).toEqual([4, 12]);
    expect(probes).toHaveLength(98);
    expect(probes.filter(([, , holds]) => holds)).toHaveLength(6);
  });

  test('are told apart, all of them', () => {
    expect(probes.filter(([, claim, holds]) => verifyInclusion(claim) !== holds)).toEqual([]);
  });

  test('of which one needs the rule that a leaf hash has 32 bytes: all else about it is right', () => {
    const special = probes.filter(
      ([, { index, size, leafHash, root, proof }, holds]) =>
        !holds && index === 0 && size === 1 && proof.length === 0 && equalBytes(leafHash, root),
    );
    expect(special.map(([name]) => name)).toEqual(['a leaf and a root of no bytes']);
  });

  function singleEntry(): [string, Inclusion, boolean][] {
    const hash = hashLeaf(utf8ToBytes('data'));
    const claim = { index: 0, size: 1, proof: [] };
    return [
      ['a single entry', { ...claim, leafHash: hash, root: hash }, true],
      ['a leaf of no bytes', { ...claim, leafHash: GARBAGE, root: hash }, false],
      ['a root of no bytes', { ...claim, leafHash: hash, root: GARBAGE }, false],
      ['a leaf and a root of no bytes', { ...claim, leafHash: GARBAGE, root: GARBAGE }, false],
    ];
  }

  function ofNothing(): [string, Inclusion, boolean][] {
    const pairs: [Uint8Array, Uint8Array][] = [
      [SOME_HASH, GARBAGE],
      [GARBAGE, EMPTY_ROOT],
      [SOME_HASH, EMPTY_ROOT],
    ];
    return [
      [0, 0],
      [0, 1],
      [1, 0],
      [2, 1],
    ].flatMap(([index, size]) =>
      pairs.map(([leafHash, root]): [string, Inclusion, boolean] => [
        `${index} of ${size}`,
        { index: index!, size: size!, leafHash, root, proof: [] },
        false,
      ]),
    );
  }
});

describe('the 98 probes of a consistency proof', () => {
  const valid = [
    [1, 1],
    [1, 8],
    [6, 8],
    [2, 5],
    [6, 7],
  ].map(([size1, size2]) => consistency.find((claim) => claim.size1 === size1 && claim.size2 === size2)!);
  const probes: [string, Consistency, boolean][] = [
    ...valid.map((claim): [string, Consistency, boolean] => [
      `${claim.size1} to ${claim.size2}`,
      claim,
      true,
    ]),
    ...valid
      .filter(({ proof }) => proof.length > 0)
      .flatMap((claim) =>
        consistencyMutants(claim)
          .filter(([name]) => !name.startsWith('inserted'))
          .map(([name, mutant]): [string, Consistency, boolean] => [name, mutant, false]),
      ),
    ...additional(),
  ];

  test('are 5 valid ones, 79 mutations, 14 of trees that are empty, equal or smaller', () => {
    expect(valid).toHaveLength(5);
    expect(additional()).toHaveLength(14);
    expect(probes).toHaveLength(98);
    expect(probes.filter(([, , holds]) => holds)).toHaveLength(6);
  });

  test('are told apart, all of them', () => {
    expect(probes.filter(([, claim, holds]) => verifyConsistency(claim) !== holds)).toEqual([]);
  });

  test('of which one needs the rule that nothing follows from an empty tree: all else about it is right', () => {
    const special = probes.filter(
      ([, { size1, size2, root1, root2, proof }, holds]) =>
        !holds && size1 === size2 && proof.length === 0 && equalBytes(root1, root2),
    );
    expect(special.map(([name]) => name)).toEqual(['two empty trees with one root']);
  });

  function additional(): [string, Consistency, boolean][] {
    const [a, b] = [utf8ToBytes("don't care 1"), utf8ToBytes("don't care 2")];
    const of = (
      size1: number,
      size2: number,
      root1: Uint8Array,
      root2: Uint8Array,
      ...proof: Uint8Array[]
    ): Consistency => ({
      size1,
      size2,
      root1,
      root2,
      proof,
    });
    return [
      ['two empty trees with two roots', of(0, 0, a, b), false],
      ['two empty trees with one root', of(0, 0, a, a), false],
      ['two empty trees of which one has the right root', of(0, 0, EMPTY_ROOT, b), false],
      ['two empty trees and a proof', of(0, 0, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT), false],
      ['from nothing to one', of(0, 1, a, b), false],
      ['from nothing, with its right root, to one', of(0, 1, EMPTY_ROOT, SOME_HASH), false],
      ['from nothing to one with a proof', of(0, 1, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT), false],
      ['one and the same', of(1, 1, b, b), true],
      ['one with two roots', of(1, 1, a, b), false],
      ['one with the root of none', of(1, 1, EMPTY_ROOT, b), false],
      ['one and the same with a proof', of(1, 1, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT), false],
      ['from one to nothing', of(1, 0, a, b), false],
      ['from two to one', of(2, 1, a, b), false],
      ['from one to two without a proof', of(1, 2, a, b), false],
    ];
  }
});

/** Of the mutations below, those that upstream makes too. */
function isUpstreamInclusion(name: string, proofLength: number): boolean {
  if (name.startsWith('inserted')) return name === 'inserted before proof[1]' && proofLength > 1;
  return !['random leaf', 'empty root and random leaf', 'empty'].includes(name);
}
