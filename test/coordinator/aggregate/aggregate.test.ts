import { packWords, ProtocolError, type ModulusBits } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyUpdate } from '../../../coordinator/aggregate/apply.ts';
import { sumVectors } from '../../../coordinator/aggregate/sum.ts';
import { openSum } from '../../../coordinator/aggregate/unmask.ts';

const LENGTH = 7;
const words = fc.uint32Array({ minLength: LENGTH, maxLength: LENGTH });
const steps = fc.int32Array({ min: -1_000, max: 1_000, minLength: LENGTH, maxLength: LENGTH });

describe('sum and unmask', () => {
  it('opens exactly the sum of what was masked, whatever the batches and masks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(steps, words), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<ModulusBits>(20, 24, 32),
        async (reports, batch, bits) => {
          const masked = reports.map(([clear, mask]) =>
            packWords(
              Uint32Array.from(clear, (value, i) => value + (mask[i] as number)),
              bits,
            ),
          );
          async function* batches(): AsyncGenerator<Uint8Array[]> {
            for (let at = 0; at < masked.length; at += batch) yield masked.slice(at, at + batch);
          }
          const { sum, count } = await sumVectors(batches(), LENGTH, bits);
          expect(count).toBe(reports.length);
          const mask = new Uint32Array(LENGTH);
          for (const [, each] of reports) each.forEach((word, i) => (mask[i] = (mask[i] as number) + word));
          const expected = Int32Array.from({ length: LENGTH }, (_, i) =>
            reports.reduce((total, [clear]) => total + (clear[i] as number), 0),
          );
          expect(openSum(sum, [packWords(mask, bits)], { bits, bound: 1_000 * reports.length })).toEqual(
            expected,
          );
        },
      ),
    );
  });

  it('reads from bytes that begin at any address', async () => {
    const odd = new Uint8Array(4 * LENGTH + 1);
    odd.set(
      packWords(
        Uint32Array.from({ length: LENGTH }, (_, i) => i + 1),
        32,
      ),
      1,
    );
    async function* one(): AsyncGenerator<Uint8Array[]> {
      yield [odd.subarray(1)];
    }
    const { sum } = await sumVectors(one(), LENGTH, 32);
    expect(sum).toEqual(Uint32Array.from({ length: LENGTH }, (_, i) => i + 1));
  });

  it('refuses a sum one step beyond the bound, on either side, and takes the bound itself', () => {
    const masked = (value: number): Uint32Array => Uint32Array.from([0, value >>> 0]);
    for (const bits of [20, 24, 32] as const) {
      const open = (value: number, bound = 50): Int32Array | null =>
        openSum(masked(value), [], { bits, bound });
      expect(open(50)).toEqual(Int32Array.from([0, 50]));
      expect(open(-50)).toEqual(Int32Array.from([0, -50]));
      expect(open(51)).toBeNull();
      expect(open(-51)).toBeNull();
      expect(open(-(2 ** (bits - 1)), 2 ** (bits - 1) - 2)).toBeNull();
    }
  });

  it('refuses a mask of another length or another modulus', () => {
    const sum = new Uint32Array(8);
    const mask = packWords(sum, 24);
    expect(openSum(sum, [mask], { bits: 24, bound: 1 })).toEqual(new Int32Array(8));
    expect(() => openSum(sum, [mask.subarray(1)], { bits: 24, bound: 1 })).toThrowError(ProtocolError);
    expect(() => openSum(sum, [mask], { bits: 20, bound: 1 })).toThrowError(ProtocolError);
  });
});

describe('the server optimiser', () => {
  const weights = Float32Array.from([1, -2]);
  const gradient = Float64Array.from([0.5, -0.25]);

  it('momentum: two steps by hand, the second with half the learning rate', () => {
    const optimizer = { kind: 'momentum', learningRate: 0.4, momentum: 0.9, decay: 0.5 } as const;
    const first = applyUpdate(optimizer, weights, gradient, null, { t: 0, of: 4 });
    expect([...first.moments]).toEqual([0.5, -0.25]);
    expect(first.weights[0]).toBeCloseTo(1 - 0.4 * 0.5, 6);
    const second = applyUpdate(optimizer, first.weights, gradient, first.moments, { t: 3, of: 4 });
    expect(second.moments[0]).toBeCloseTo(0.9 * 0.5 + 0.5, 12);
    expect(second.weights[0]).toBeCloseTo(0.8 - 0.2 * 0.95, 6);
    expect(second.weights[1]).toBeCloseTo(-2 + 0.4 * 0.25 + 0.2 * 0.475, 6);
  });

  it('Adam: three steps beside a straight transcription of the paper, the rate falling from the second', () => {
    const optimizer = {
      kind: 'adam',
      learningRate: 0.05,
      beta1: 0.8,
      beta2: 0.95,
      epsilon: 1e-3,
      decay: 2 / 3,
    } as const;
    let state: { weights: Float32Array; moments: Float64Array | null } = { weights, moments: null };
    let [w, m, v] = [1, 0, 0];
    for (let t = 0; t < 3; t++) {
      const g = 0.5 - 0.2 * t;
      state = applyUpdate(optimizer, state.weights, Float64Array.from([g, 0]), state.moments, { t, of: 3 });
      m = 0.8 * m + 0.2 * g;
      v = 0.95 * v + 0.05 * g * g;
      const corrected = m / (1 - 0.8 ** (t + 1)) / (Math.sqrt(v / (1 - 0.95 ** (t + 1))) + 1e-3);
      w -= 0.05 * ([1, 1, 0.5][t] as number) * corrected;
      expect(state.weights[0]).toBeCloseTo(w, 5);
    }
    expect(state.weights[1]).toBe(-2);
  });

  it('keeps the rate to the end without decay', () => {
    const optimizer = { kind: 'momentum', learningRate: 1, momentum: 0, decay: 0 } as const;
    const { weights: stepped } = applyUpdate(optimizer, weights, gradient, null, { t: 9, of: 10 });
    expect([...stepped]).toEqual([0.5, -1.75]);
  });

  it('leaves its inputs as they were, and refuses lengths that do not fit', () => {
    const optimizer = { kind: 'momentum', learningRate: 1, momentum: 0.5, decay: 0 } as const;
    const moments = Float64Array.from([1, 1]);
    const step = { t: 3, of: 10 };
    applyUpdate(optimizer, weights, gradient, moments, step);
    expect([...weights, ...gradient, ...moments]).toEqual([1, -2, 0.5, -0.25, 1, 1]);
    expect(() => applyUpdate(optimizer, weights, gradient.subarray(1), null, step)).toThrow(RangeError);
    expect(() =>
      applyUpdate(
        { ...optimizer, kind: 'adam', beta1: 0, beta2: 0, epsilon: 1 },
        weights,
        gradient,
        moments,
        step,
      ),
    ).toThrow(RangeError);
  });
});
