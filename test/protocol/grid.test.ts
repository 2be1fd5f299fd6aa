/** The integer grid: head-room at the extremes, and noise and steps that keep what one twin spends within its budget. */
import { helperFamily, noiseAllowance, planGrid, type GridSpec } from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const exact = (maxTwins: number, bits: GridSpec['bits'] = 32): GridSpec => ({
  bits,
  maxTwins,
  dPadded: 1_024,
  noise: null,
});

const noisy: fc.Arbitrary<GridSpec> = fc.record({
  bits: fc.constantFrom<GridSpec['bits']>(20, 24, 32),
  maxTwins: fc.integer({ min: 2, max: 20_000 }),
  dPadded: fc.integer({ min: 0, max: 17 }).map((power) => 2 ** power),
  noise: fc.record({
    multiplier: fc.double({ min: 0.05, max: 50, noNaN: true }),
    trainings: fc.integer({ min: 1, max: 500 }),
    evaluations: fc.integer({ min: 1, max: 50 }),
    clipNoise: fc.option(fc.double({ min: 26, max: 1_000, noNaN: true })),
    helpers: fc.constantFrom({ m: 1, c: 0 }, { m: 3, c: 1 }, { m: 4, c: 1 }, { m: 5, c: 2 }),
  }),
});

describe('a grid without noise', () => {
  it('holds the most twins, all at either extreme of every coordinate, and no finer one does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e7 }),
        fc.constantFrom<GridSpec['bits']>(20, 24, 32),
        (maxTwins, bits) => {
          fc.pre(maxTwins * 17 < 2 ** (bits - 1));
          const { unit, qTwin, sigmaSquared } = planGrid(exact(maxTwins, bits));
          expect(sigmaSquared).toBe(0);
          expect(maxTwins * qTwin).toBeLessThan(2 ** (bits - 1));
          expect(unit === 2 ** 20 || maxTwins * (2 * unit + 1) >= 2 ** (bits - 1)).toBe(true);
        },
      ),
    );
  });

  it('counts the step by which rounding may exceed the bound', () => {
    // 131,071 twins of 2^14 steps would fit; with the step that each may be rounded up, they do not.
    expect(planGrid(exact(131_071)).unit).toBe(2 ** 13);
  });

  it('is refused where there is none', () => {
    for (const spec of [exact(2 ** 28), exact(31_000, 20)])
      expect(() => planGrid(spec)).toThrowError(expect.objectContaining({ code: 'protocol/headroom' }));
  });
});

describe('a grid with noise', () => {
  it('leaves room for the twins and 12 standard deviations of the noise of all helper sets', () => {
    fc.assert(
      fc.property(noisy, (spec) => {
        const plan = planOrSkip(spec);
        const { m, c } = spec.noise!.helpers;
        const sets = helperFamily(m, c).length;
        expect(plan.noiseBound).toBe(noiseAllowance(plan.sigmaSquared, sets));
        expect(plan.noiseBound ** 2).toBeGreaterThanOrEqual(144 * plan.sigmaSquared * sets * (1 - 1e-12));
        expect(spec.maxTwins * plan.qTwin + plan.noiseBound).toBeLessThan(2 ** (spec.bits - 1));
      }),
    );
  });

  it('spends at most K / (2 z^2) in zCDP, on trainings and on evaluations alike', () => {
    fc.assert(
      fc.property(noisy, (spec) => {
        const plan = planOrSkip(spec);
        const { multiplier, trainings, evaluations } = spec.noise!;
        const granted = trainings / (2 * multiplier ** 2);
        const update = (plan.unit + Math.sqrt(spec.dPadded)) ** 2 + plan.clipStep ** 2;
        const evaluation = (plan.evaluationUnit + 1) ** 2;
        expect((trainings * update) / (2 * plan.sigmaSquared)).toBeLessThanOrEqual(granted * (1 + 1e-12));
        expect((evaluations * evaluation) / (2 * plan.sigmaSquared)).toBeLessThanOrEqual(
          granted * (1 + 1e-12),
        );
      }),
    );
  });

  it('gives the clip coordinate noise of the stated number of twins', () => {
    const noise = {
      multiplier: 4,
      trainings: 60,
      evaluations: 1,
      clipNoise: 25,
      helpers: { m: 3, c: 1 },
    };
    const plan = planGrid({ bits: 32, maxTwins: 1_000, dPadded: 1_024, noise });
    const twins = Math.sqrt(plan.sigmaSquared) / (2 * plan.clipStep);
    expect(twins).toBeGreaterThanOrEqual(25);
    expect(twins).toBeLessThan(25.2);
    // z_Delta of Andrew et al.: the update itself gets this much noise.
    const update = plan.unit + Math.sqrt(1_024);
    expect(Math.sqrt(plan.sigmaSquared) / update).toBeCloseTo((4 ** -2 - 50 ** -2) ** -0.5, 3);
  });

  it('loses at most 1/64 of the sensitivity to rounding where there is room', () => {
    const noise = { multiplier: 10, trainings: 20, evaluations: 1, clipNoise: null, helpers: { m: 3, c: 1 } };
    for (const dPadded of [16, 1_024, 131_072]) {
      const { unit } = planGrid({ bits: 32, maxTwins: 100, dPadded, noise });
      expect(Math.sqrt(dPadded) / unit).toBeLessThanOrEqual(1 / 64);
    }
  });
});

function planOrSkip(spec: GridSpec): ReturnType<typeof planGrid> {
  try {
    return planGrid(spec);
  } catch {
    fc.pre(false);
    throw new Error('not reached');
  }
}
