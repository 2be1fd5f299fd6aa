import { CELL_REASONS } from '@twinkeep/consent';
import { consentQuestion, DROP_REASONS, dropReasonOf, isDenial } from '@twinkeep/protocol';
import { describe, expect, test } from 'vitest';
import { createTestRound } from './report-fixture.ts';

describe('what gates G2 and G3 ask', () => {
  test('the use, the operation, the floor of the round, and the privacy loss of the whole task', async () => {
    const { config } = await createTestRound();
    const { purpose, sector, operation, categories, nMin } = config;
    const plain = { purpose, sector, operation, categories, cohort: nMin };
    expect(consentQuestion({ ...config, dp: { mech: 'none' } })).toEqual(plain);
    const dp = {
      mech: 'discrete-gaussian',
      where: 'helpers',
      noiseMultiplier: 1,
      sigmaSquared: 9,
      trainings: 3,
      evaluations: 1,
      epsilon: 2,
      delta: 1e-6,
    } as const;
    expect(consentQuestion({ ...config, dp })).toEqual({ ...plain, dp: { epsilon: 2, delta: 1e-6 } });
  });

  test('whatever is no yes is a denial that a set commit can count', () => {
    const denials = [...CELL_REASONS, 'subject-mismatch', 'no-category-consented'] as const;
    expect(denials.filter((reason) => !isDenial(reason))).toEqual(['consented', 'not-opted-out']);
    for (const reason of denials.filter(isDenial)) expect(DROP_REASONS).toContain(dropReasonOf(reason));
  });
});
