import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auc, logLoss } from '../../../demo/baselines/metrics.ts';

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);

describe('auc', () => {
  test.each([
    ['perfect order', f32(1, 2, 3, 4), f32(0, 0, 1, 1), 1],
    ['reversed order', f32(4, 3, 2, 1), f32(0, 0, 1, 1), 0],
    ['all tied', f32(7, 7, 7, 7), f32(0, 1, 0, 1), 0.5],
    // Pairs (positive, negative): 2>1, 2=2 (half), 3>1, 3>2 = 3.5 of 4.
    ['one tie across the classes', f32(1, 2, 2, 3), f32(0, 0, 1, 1), 0.875],
    // 1=1, 1=1, 1<2; 2>1, 2>1, 2=2: half, half, none, one, one, half = 3.5 of 6.
    ['two groups of ties', f32(1, 1, 2, 1, 2), f32(0, 0, 0, 1, 1), 3.5 / 6],
    ['a row without a label, which does not count', f32(9, 1, 2), f32(Number.NaN, 0, 1), 1],
  ])('of %s', (_, scores, labels, expected) => {
    expect(auc(scores, labels)).toBeCloseTo(expected, 12);
  });

  test('is the share of pairs in the right order, ties half', () => {
    const row = fc.tuple(fc.integer({ min: -4, max: 4 }), fc.constantFrom(0, 1));
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const positives = rows.filter(([, label]) => label === 1);
        const negatives = rows.filter(([, label]) => label === 0);
        fc.pre(positives.length > 0 && negatives.length > 0);
        const won = positives.flatMap(([p]) => negatives.map(([n]) => (p > n ? 1 : p === n ? 0.5 : 0)));
        const share = won.reduce<number>((sum, point) => sum + point, 0) / won.length;
        expect(auc(f32(...rows.map(([score]) => score)), f32(...rows.map(([, label]) => label)))).toBeCloseTo(
          share,
          12,
        );
      }),
    );
  });

  test('has no value without both classes, and refuses another number of labels', () => {
    expect(auc(f32(1, 2), f32(1, 1))).toBeNaN();
    expect(() => auc(f32(1, 2), f32(1))).toThrow(RangeError);
  });
});

describe('log loss', () => {
  test('is the mean negative log likelihood', () => {
    const logit = Math.log(0.8 / 0.2);
    expect(logLoss(f32(logit, logit, 3), f32(1, 0, Number.NaN))).toBeCloseTo(
      -(Math.log(0.8) + Math.log(0.2)) / 2,
      6,
    );
  });

  test('does not overflow', () => {
    expect(logLoss(f32(1000, -1000), f32(0, 1))).toBe(1000);
    expect(logLoss(f32(1000, -1000), f32(1, 0))).toBe(0);
  });
});
