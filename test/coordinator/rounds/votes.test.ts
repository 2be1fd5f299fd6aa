import { helperFamily } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dissenters, explainSums, openVotes, type GivenSums } from '../../../coordinator/rounds/votes.ts';

interface Said {
  c: number;
  holders: number[][];
  truth: string[];
  sums: GivenSums[];
  liars: number[];
}

const FAMILIES = [
  [1, 0],
  [2, 1],
  [3, 1],
  [4, 1],
  [4, 2],
  [5, 2],
  [6, 3],
] as const;

/** Helpers of some family answer in some order; at most c of them lie, on all of their sets or on some, each its own lie or all the same. */
const said: fc.Arbitrary<Said> = fc
  .constantFrom(...FAMILIES)
  .chain(([m, c]) => {
    const helpers = Array.from({ length: m }, (_, i) => i + 1);
    return fc.record({
      m: fc.constant(m),
      c: fc.constant(c),
      order: fc.shuffledSubarray(helpers, { minLength: 1 }),
      liars: fc.subarray(helpers, { maxLength: c }),
      lies: fc.infiniteStream(fc.constantFrom('true', 'lie', 'own')),
    });
  })
  .map(({ m, c, order, liars, lies }) => {
    const family = helperFamily(m, c);
    const truth = family.map((_, set) => `true ${set}`);
    const sums = order.map((j) => ({
      j,
      hashes: family.flatMap((absent, set) => {
        if (absent.includes(j)) return [];
        const how = liars.includes(j) ? (lies.next().value as string) : 'true';
        return { set, hash: how === 'own' ? `lie ${set} of ${j}` : `${how} ${set}` };
      }),
    }));
    const holders = family.map((absent) => order.filter((j) => !absent.includes(j)));
    return { c, holders, truth, sums, liars };
  });

describe('which sums of masks to believe', () => {
  it('the truth is always among the explanations, as long as an honest helper holds each set', () => {
    let disputed = 0;
    fc.assert(
      fc.property(said, ({ c, holders, truth, sums, liars }) => {
        const candidates = explainSums(sums, truth.length, c).map((hashes) => hashes.join());
        expect(new Set(candidates).size).toBe(candidates.length);
        if (candidates.length > 1) disputed++;
        const covered = holders.every((of) => of.some((j) => !liars.includes(j)));
        if (covered) expect(candidates).toContain(truth.join());
      }),
      { numRuns: 500 },
    );
    expect(disputed).toBeGreaterThan(0);
  });

  it('no explanation needs more than c liars, and all agree where c + 1 helpers do', () => {
    fc.assert(
      fc.property(said, ({ c, truth, sums }) => {
        for (const hashes of explainSums(sums, truth.length, c)) {
          expect(dissenters(sums, hashes).length).toBeLessThanOrEqual(c);
          truth.forEach((hash, set) => {
            const agreeing = sums.filter((given) => given.hashes.some((each) => each.hash === hash));
            if (agreeing.length > c) expect(hashes[set]).toBe(hash);
          });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('c + 1 equal votes are never for a lie', () => {
    let opened = 0;
    fc.assert(
      fc.property(said, ({ c, holders, truth, sums }) => {
        const winners = openVotes(
          sums,
          holders.map(() => c + 1),
        );
        if (winners === null) return;
        opened++;
        expect(winners).toEqual(truth);
      }),
      { numRuns: 500 },
    );
    expect(opened).toBeGreaterThan(0);
  });

  it('of (3, 1) with all three, whoever lies on both of its sets is found without looking at a sum', () => {
    const lie = { j: 1, hashes: [1, 2].map((set) => ({ set, hash: 'lie' })) };
    const honest = [2, 3].map((j) => ({
      j,
      hashes: [0, 1, 2].filter((set) => set !== j - 1).map((set) => ({ set, hash: `true ${set}` })),
    }));
    const candidates = explainSums([lie, ...honest], 3, 1);
    expect(candidates).toEqual([['true 0', 'true 1', 'true 2']]);
    expect(dissenters([lie, ...honest], candidates[0]!)).toEqual([1]);
  });
});
