import { DROP_REASONS, dropReasonOf, type GateDenial } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSet, countDropped, type Candidate } from '../../../coordinator/rounds/set.ts';

const candidates = fc
  .array(
    fc.record({
      twins: fc.integer({ min: 1, max: 40 }),
      refused: fc.boolean(),
      denied: fc.option(
        fc.constantFrom<GateDenial>('withdrawn', 'expired', 'never-asked', 'cohort-below-floor'),
      ),
    }),
    {
      maxLength: 20,
    },
  )
  .map((list): Candidate[] => list.map((each, i) => ({ headerHash: `report ${i}`, ...each })));

describe('the set of a round', () => {
  it('takes nobody without consent, nobody refused, and never more twins than the grid has room for', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 200 }), (given, maxTwins) => {
        const { members, twins, dropped } = chooseSet(given, maxTwins);
        expect(members.every(({ denied, refused }) => denied === null && !refused)).toBe(true);
        expect(twins).toBe(members.reduce((sum, each) => sum + each.twins, 0));
        expect(twins).toBeLessThanOrEqual(maxTwins);
        expect(members.length + dropped.length).toBe(given.length);
        for (const { candidate, reason } of dropped) {
          if (reason === 'helper-refused') expect(candidate.refused).toBe(true);
          if (reason.startsWith('consent-')) {
            expect(candidate.refused).toBe(false);
            expect(reason).toBe(dropReasonOf(candidate.denied as GateDenial));
          }
          if (reason === 'head-room') expect(twins + candidate.twins).toBeGreaterThan(maxTwins);
        }
        const counts = countDropped(dropped);
        expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(dropped.length);
        expect(new Set(counts.map(({ reason }) => reason)).size).toBe(counts.length);
      }),
    );
  });

  it('is not made larger by a withdrawal: the others stay as they were, where there is room for all', () => {
    fc.assert(
      fc.property(candidates, fc.nat(19), (given, at) => {
        const withdrawn = given.map((each, i) =>
          i === at ? { ...each, denied: 'withdrawn' as const } : each,
        );
        const before = chooseSet(given, 1_000).members.map(({ headerHash }) => headerHash);
        const after = chooseSet(withdrawn, 1_000).members.map(({ headerHash }) => headerHash);
        expect(after).toEqual(before.filter((name) => name !== `report ${at}`));
      }),
    );
  });

  it('prefers those who came first where head-room ends', () => {
    const given = [30, 80, 20].map((twins, i) => ({
      headerHash: `${i}`,
      twins,
      refused: false,
      denied: null,
    }));
    const { members, dropped } = chooseSet(given, 60);
    expect(members.map(({ headerHash }) => headerHash)).toEqual(['0', '2']);
    expect(dropped).toEqual([{ candidate: given[1], reason: 'head-room' }]);
    expect(DROP_REASONS).toContain('head-room');
  });
});
