/**
 * The access structure of Profile H: replicated (CNF) seeds. For every c-subset A of the m helpers there is one seed, known to
 * the helpers *outside* A. Any c helpers together miss the seed of the very set they form, so their view leaves every report
 * one-time padded; the sum of masks of A can be given by any of the m - c helpers outside it.
 * Source: secagg-dp research, section 2.2.
 */
import { ProtocolError } from './problem.ts';

/** A set of helper numbers (1-based, ascending). */
export type HelperSet = readonly number[];

const MAX_HELPERS = 8;

/**
 * All c-subsets of {1..m} in lexicographic order; the index of a set in this list is its number on every wire.
 * (m, 0) is the single empty set: one seed that every helper knows.
 */
export function helperFamily(m: number, c: number): HelperSet[] {
  if (!Number.isInteger(m) || !Number.isInteger(c) || m < 1 || m > MAX_HELPERS || c < 0 || c >= m) {
    throw new ProtocolError('protocol/family', `no helper family for m = ${m}, c = ${c}`);
  }
  const sets: number[][] = [];
  const extend = (set: number[], next: number): void => {
    if (set.length === c) {
      sets.push(set);
      return;
    }
    for (let j = next; j <= m; j++) extend([...set, j], j + 1);
  };
  extend([], 1);
  return sets;
}

/** Indices, into the family, of the sets whose seed helper j knows. */
export function setsOfHelper(family: readonly HelperSet[], j: number): number[] {
  return family.flatMap((set, index) => (set.includes(j) ? [] : [index]));
}

/**
 * The smallest number of readies q that makes a second set impossible without a witnessed log: any two quorums share an honest
 * helper, 2q - m > c (section 2.2).
 */
export function smallestQuorum(m: number, c: number): number {
  return Math.floor((m + c) / 2) + 1;
}

/**
 * How many helpers a round needs in each of its steps. In quorum mode any two quorums share an honest helper. In log mode
 * witnesses hold a second set off, and every set of the family needs one holder: c + 1 helpers, since no c of them are all its holders.
 */
export function fewestHelpers(m: number, c: number, mode: 'quorum' | 'log'): number {
  return mode === 'log' ? c + 1 : smallestQuorum(m, c);
}

/** One byte count, then one byte per helper number: how a set enters a hash or a key derivation. */
export function helperSetToBytes(set: HelperSet): Uint8Array {
  return Uint8Array.from([set.length, ...set]);
}
