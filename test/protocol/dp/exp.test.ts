import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EXP_ERROR,
  EXP_RANGE,
  expBounds,
  expNegative,
  isBelowExp,
  uniformReal,
} from '../../../edge-client/protocol/dp/exp.ts';

/** exp(-1), exp(-10) and exp(-1/3): 60 digits after the point, from another implementation (the first is OEIS A068985). */
const DIGITS = {
  '1/1': '367879441171442321595523770161460867445811131031767834507836',
  '10/1': '000045399929762484851535591515560550610237918088866564969259',
  '1/3': '716531310573789250425604096925379667453112059821479157140870',
};

describe('exponentials in integers', () => {
  it('have the digits of the tables', () => {
    for (const [ratio, digits] of Object.entries(DIGITS)) {
      const [num, den] = ratio.split('/').map(BigInt) as [bigint, bigint];
      const [low, high] = expBounds(num, den, 190n);
      const scale = 1n << 190n;
      const expected = BigInt(digits);
      // Both bounds, rounded to 57 digits, are the table's first 57.
      for (const bound of [low, high]) expect(((bound * 10n ** 60n) / scale - expected) / 10n ** 3n).toBe(0n);
      expect(high - low).toBeLessThanOrEqual(2n);
    }
  });

  it('lie between their bounds at every precision, which stay within 2 units', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: 10n ** 11n }),
        fc.integer({ min: 1, max: 12 }),
        (num, den, words) => {
          const bits = BigInt(32 * words);
          const [low, high] = expBounds(num, den, bits);
          expect(high - low <= 2n && low >= 0n && high > 0n).toBe(true);
          // A precision far beyond agrees: its interval overlaps the coarse one.
          const [fineLow, fineHigh] = expBounds(num, den, bits + 256n);
          expect(low << 256n <= fineHigh && fineLow <= high << 256n).toBe(true);
          const double = Number(high) / 2 ** Number(bits);
          if (bits >= 64n) expect(double).toBeCloseTo(Math.exp(-Number(num) / Number(den)), 12);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('multiply as exponentials do', () => {
    const bits = 128n;
    const at = (num: bigint): bigint => expBounds(num, 7n, bits)[0];
    for (const [a, b] of [
      [1n, 2n],
      [3n, 100n],
      [77n, 200n],
    ] as const) {
      const difference = ((at(a) * at(b)) >> bits) - at(a + b);
      expect(difference < 4n && difference > -4n).toBe(true);
    }
  });
});

describe('exponentials in doubles', () => {
  it('are within a twentieth of their error bound, on a grid and next to every table entry', () => {
    let worst = 0;
    const check = (x: number): void => {
      // x is num / 2^60 exactly.
      const [low] = expBounds(BigInt(Math.round(x * 2 ** 40)) << 20n, 1n << 60n, 128n);
      worst = Math.max(worst, Math.abs(expNegative(x) - Number(low) / 2 ** 128));
    };
    const exact = (x: number): number => Math.round(x * 2 ** 40) / 2 ** 40;
    for (let i = 0; i < EXP_RANGE * 64; i++)
      for (const within of [0, 2 ** -40, 1 / 130, 1 / 64 - 2 ** -40]) check(exact(i / 64 + within));
    for (let i = 0; i < 2_000; i++) check(exact((i * EXP_RANGE) / 2_000));
    expect(worst).toBeLessThan(EXP_ERROR / 20);
    expect(worst).toBeGreaterThan(0);
  });
});

describe('a comparison with an exponential', () => {
  const words = (list: number[]) => () => {
    const next = list.shift();
    if (next === undefined) throw new Error('no words left');
    return next;
  };
  // The first three words of exp(-1).
  const digits = expBounds(1n, 1n, 128n)[0];
  const [first, second, third] = [96n, 64n, 32n].map((shift) => Number((digits >> shift) & 0xffff_ffffn)) as [
    number,
    number,
    number,
  ];

  it('is settled by the first word where that is clear', () => {
    expect(isBelowExp(uniformReal(first - 1, words([])), 1n, 1n)).toBe(true);
    expect(isBelowExp(uniformReal(first + 1, words([])), 1n, 1n)).toBe(false);
    expect(isBelowExp(uniformReal(0xffff_ffff, words([])), 1n, 1n)).toBe(false);
  });

  it('takes as many words as it needs, and remembers them', () => {
    expect(isBelowExp(uniformReal(first, words([second - 1])), 1n, 1n)).toBe(true);
    expect(isBelowExp(uniformReal(first, words([second + 1])), 1n, 1n)).toBe(false);
    expect(isBelowExp(uniformReal(first, words([second, third - 1])), 1n, 1n)).toBe(true);
    const x = uniformReal(first, words([second, third + 1]));
    expect(isBelowExp(x, 1n, 1n)).toBe(false);
    expect(isBelowExp(x, 1_000_001n, 1_000_000n)).toBe(false);
    expect(isBelowExp(x, 999_999n, 1_000_000n)).toBe(true);
    expect(x.bits).toBe(96n);
  });

  it('knows that exp(0) is 1 and that exp of much is almost 0', () => {
    expect(isBelowExp(uniformReal(0xffff_ffff, words([5])), 0n, 1n)).toBe(true);
    expect(isBelowExp(uniformReal(1, words([])), 10n ** 9n, 1n)).toBe(false);
    expect(isBelowExp(uniformReal(0, words([0, 0, 1])), 100n, 1n)).toBe(false);
    expect(isBelowExp(uniformReal(0, words([0, 0, 0, 0, 0])), 100n, 1n)).toBe(true);
  });
});
