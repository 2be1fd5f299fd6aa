import { describe, expect, test } from 'vitest';

import { EMPTY_ROOT, utf8ToBytes, verifyConsistency, verifyInclusion } from '@twinkeep/audit';

import {
  consistency,
  consistencyMutants,
  GARBAGE,
  inclusion,
  inclusionMutants,
  SOME_HASH,
} from './mutants.ts';

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
