import { boxLength, fewestHelpers, helperFamily, setsOfHelper, smallestQuorum } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';

/** Secagg-dp research, table of section 2.2: seeds per client, seeds per helper, holders of each, quorum without a log. */
const TABLE = [
  { m: 1, c: 0, seeds: 1, perHelper: 1, holders: 1, quorum: 1 },
  { m: 2, c: 1, seeds: 2, perHelper: 1, holders: 1, quorum: 2 },
  { m: 3, c: 1, seeds: 3, perHelper: 2, holders: 2, quorum: 3 },
  { m: 4, c: 1, seeds: 4, perHelper: 3, holders: 3, quorum: 3 },
  { m: 5, c: 2, seeds: 10, perHelper: 6, holders: 3, quorum: 4 },
  ...[3, 4, 5, 6, 7, 8].map((m) => ({ m, c: m - 1, seeds: m, perHelper: 1, holders: 1, quorum: m })),
];

describe('the access structure', () => {
  it.each(TABLE)('($m, $c) is as published', ({ m, c, seeds, perHelper, holders, quorum }) => {
    const family = helperFamily(m, c);
    expect(family).toHaveLength(seeds);
    for (let j = 1; j <= m; j++) expect(setsOfHelper(family, j)).toHaveLength(perHelper);
    for (const index of family.keys()) {
      const holding = Array.from({ length: m }, (_, i) => i + 1).filter((j) =>
        setsOfHelper(family, j).includes(index),
      );
      expect(holding).toHaveLength(holders);
    }
    expect(smallestQuorum(m, c)).toBe(quorum);
    expect(boxLength(family, 1)).toBe(11 + 32 + 1 + 32 + 32 + perHelper * 32 + 48);
  });

  it('numbers sets in lexicographic order', () => {
    expect(helperFamily(4, 2)).toEqual([
      [1, 2],
      [1, 3],
      [1, 4],
      [2, 3],
      [2, 4],
      [3, 4],
    ]);
    expect(helperFamily(3, 0)).toEqual([[]]);
  });

  it('leaves any c helpers one seed short, and any c + 1 none', () => {
    for (let m = 1; m <= 6; m++) {
      for (let c = 0; c < m; c++) {
        const family = helperFamily(m, c);
        for (let view = 0; view < 2 ** m; view++) {
          const colluding = Array.from({ length: m }, (_, i) => i + 1).filter((j) => view & (1 << (j - 1)));
          const known = new Set(colluding.flatMap((j) => setsOfHelper(family, j)));
          const missing = family.length - known.size;
          expect(missing > 0).toBe(colluding.length <= c);
        }
      }
    }
  });

  it('has quorums of which any two share an honest helper, and no smaller ones', () => {
    for (let m = 1; m <= 8; m++) {
      for (let c = 0; c < m; c++) {
        const q = smallestQuorum(m, c);
        expect(2 * q - m).toBeGreaterThan(c);
        expect(2 * (q - 1) - m).toBeLessThanOrEqual(c);
      }
    }
  });

  it('needs, in log mode, just enough helpers that every set of the family has a holder among them', () => {
    for (let m = 1; m <= 8; m++) {
      for (let c = 0; c < m; c++) {
        const fewest = fewestHelpers(m, c, 'log');
        const first = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
        const without = (here: number[]): number =>
          helperFamily(m, c).filter((set) => here.every((j) => set.includes(j))).length;
        expect(without(first(fewest))).toBe(0);
        expect(c === 0 || without(first(fewest - 1)) > 0).toBe(true);
      }
    }
    // The table's "helpers that may be missing, log mode".
    expect(
      [
        [3, 1],
        [4, 1],
        [5, 2],
        [2, 1],
      ].map(([m, c]) => m! - fewestHelpers(m!, c!, 'log')),
    ).toEqual([1, 2, 2, 0]);
    expect(fewestHelpers(4, 1, 'quorum')).toBe(smallestQuorum(4, 1));
  });

  it.each([
    [0, 0],
    [9, 1],
    [3, 3],
    [3, -1],
    [2.5, 1],
    [3, Number.NaN],
  ])('refuses (%d, %d)', (m, c) => {
    expect(() => helperFamily(m, c)).toThrowError(expect.objectContaining({ code: 'protocol/family' }));
  });
});
