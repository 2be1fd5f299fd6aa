import { hexToBytes } from '@twinkeep/audit';
import {
  admitClippedSum,
  clipDelta,
  dequantizeUpdate,
  planGrid,
  paddedLength,
  quantize,
  reportLayout,
  rotate,
  rotationSigns,
  unrotate,
  webCryptoPrg,
  type ClippedDelta,
  type EvaluationBlock,
  type Grid,
  type Random,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';

const SEED = hexToBytes('00'.repeat(31) + '2a');

/** The same random bytes at every run, so that a statistical bound of five sigma never fails by chance. */
function seededRandom(seed: number): Random {
  const key = Buffer.alloc(32);
  key.writeUInt32LE(seed);
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (n) => Uint8Array.from(stream.update(new Uint8Array(n)));
}

async function gridFor(d: number, clipL2 = 1, maxTwins = 1_000, bins = 200): Promise<Grid> {
  const layout = reportLayout(d, bins);
  return {
    layout,
    ...planGrid({ bits: 32, maxTwins, dPadded: layout.dPadded, noise: null }),
    clipL2,
    signs: await rotationSigns(SEED, layout.dPadded, webCryptoPrg),
  };
}

const noEvaluation = (grid: Grid): EvaluationBlock => ({
  values: new Float64Array(grid.layout.evaluationLength),
  twins: 0,
});

const vector = (d: number, size = 1): fc.Arbitrary<Float64Array> =>
  fc
    .array(fc.double({ min: -size, max: size, noNaN: true }), { minLength: d, maxLength: d })
    .map((x) => Float64Array.from(x));

describe('rotation', () => {
  it('keeps the norm, and its inverse gives back the vector', async () => {
    for (const d of [1, 2, 3, 33, 64, 1000]) {
      const signs = await rotationSigns(SEED, paddedLength(d), webCryptoPrg);
      fc.assert(
        fc.property(vector(d, 1e3), (x) => {
          const y = rotate(x, signs);
          expect(y.length).toBe(paddedLength(d));
          expect(norm(y)).toBeCloseTo(norm(x), 6);
          const back = unrotate(y, signs);
          x.forEach((value, i) => expect(back[i]).toBeCloseTo(value, 8));
          back.subarray(d).forEach((value) => expect(value).toBeCloseTo(0, 8));
        }),
        { numRuns: d > 100 ? 5 : 30 },
      );
    }
  });

  it.each([1, 2, 4, 8, 16, 32])('is the Walsh-Hadamard matrix of %d rows, by definition', async (n) => {
    const signs = await rotationSigns(SEED, n, webCryptoPrg);
    const parity = (word: number): number => word.toString(2).replaceAll('0', '').length % 2;
    const x = Float64Array.from({ length: n }, (_, i) => Math.cos(5 * i) * (i + 1));
    const y = rotate(x, signs);
    for (let row = 0; row < n; row++) {
      const expected = x.reduce((sum, value, i) => sum + (parity(row & i) ? -1 : 1) * signs[i]! * value, 0);
      expect(y[row]).toBeCloseTo(expected / Math.sqrt(n), 10);
    }
  });

  it('spreads one coordinate evenly over all', async () => {
    const signs = await rotationSigns(SEED, 256, webCryptoPrg);
    for (const at of [0, 1, 100, 255]) {
      const x = new Float64Array(256);
      x[at] = 3;
      for (const value of rotate(x, signs)) expect(Math.abs(value)).toBeCloseTo(3 / 16, 12);
    }
  });

  it('has signs that follow from the seed, and are balanced', async () => {
    const signs = await rotationSigns(SEED, 2 ** 14, webCryptoPrg);
    expect(new Set(signs)).toEqual(new Set([1, -1]));
    const total = signs.reduce((a, b) => a + b, 0);
    expect(Math.abs(total)).toBeLessThan(5 * 2 ** 7);
    expect(await rotationSigns(SEED, 2 ** 14, webCryptoPrg)).toEqual(signs);
    const other = await rotationSigns(new Uint8Array(32), 2 ** 14, webCryptoPrg);
    expect(Math.abs(signs.reduce((sum, sign, i) => sum + sign * other[i]!, 0))).toBeLessThan(5 * 2 ** 7);
  });

  it('refuses a vector longer than its signs', async () => {
    const signs = await rotationSigns(SEED, 4, webCryptoPrg);
    expect(() => rotate(new Float64Array(5), signs)).toThrowError(
      expect.objectContaining({ code: 'protocol/layout' }),
    );
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [4, 4],
    [5, 8],
    [65_537, 131_072],
  ])('pads %d to %d', (d, padded) => expect(paddedLength(d)).toBe(padded));
});

describe('rounding', () => {
  it.each([0.5, 0.1, 0.001, 0.999, 7.77, -0.3, -1234.5678, 123_456.25, -99_999.9])(
    'of %d is up or down to the next step, and right on average',
    async (value) => {
      const grid = await gridFor(1, 1, 1_000, 4_096);
      const samples = 2 * 4_096;
      const values = new Float64Array(grid.layout.evaluationLength).fill(value);
      const block = { values, twins: 1_000 };
      const rounded = quantize(null, block, grid, seededRandom(1)).values.subarray(1, 1 + samples);
      const low = Math.floor(value);
      const ups = rounded.filter((step) => step === low + 1).length;
      expect(rounded.every((step) => step === low || step === low + 1)).toBe(true);
      const share = value - low;
      // Chi-square with one degree of freedom; 25 is five sigma.
      const expected = [samples * (1 - share), samples * share] as const;
      const chiSquare =
        (samples - ups - expected[0]) ** 2 / expected[0] + (ups - expected[1]) ** 2 / expected[1];
      expect(chiSquare).toBeLessThan(25);
      expect(ups).toBeGreaterThan(0);
    },
  );

  it('of whole steps changes nothing', async () => {
    const grid = await gridFor(1);
    const values = Float64Array.from({ length: grid.layout.evaluationLength }, (_, i) => i - 200);
    const rounded = quantize(null, { values, twins: 1 }, grid, seededRandom(2)).values;
    expect([...rounded.subarray(1)]).toEqual([...values]);
  });

  it('of neighbouring coordinates is independent', async () => {
    const grid = await gridFor(1, 1, 1_000, 4_096);
    const values = new Float64Array(grid.layout.evaluationLength).fill(0.5);
    const rounded = quantize(null, { values, twins: 1 }, grid, seededRandom(3)).values.subarray(1);
    let together = 0;
    for (let i = 1; i < rounded.length; i++) if (rounded[i] === rounded[i - 1]) together++;
    const sigma = Math.sqrt((rounded.length - 1) / 4);
    expect(Math.abs(together - (rounded.length - 1) / 2)).toBeLessThan(5 * sigma);
  });

  it('gives an update whose error is 0 on average and small always', async () => {
    const d = 50;
    const grid = await gridFor(d, 2.5);
    const update = clipDelta(
      Float64Array.from({ length: d }, (_, i) => Math.sin(i * 7)),
      2.5,
    );
    const random = seededRandom(4);
    const mean = new Float64Array(d);
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const back = dequantizeUpdate(quantize(update, noEvaluation(grid), grid, random).values, grid);
      back.forEach((value, i) => (mean[i] = mean[i]! + value / runs));
      const step = grid.clipL2 / grid.unit;
      expect(distance(back, update.values)).toBeLessThan(Math.sqrt(grid.layout.dPadded) * step);
    }
    const sigma = (grid.clipL2 / grid.unit) * 0.5;
    mean.forEach((value, i) =>
      expect(Math.abs(value - update.values[i]!)).toBeLessThan((5 * sigma) / Math.sqrt(runs)),
    );
  });
});

describe('sensitivity', () => {
  it('of a sum to one twin is at most the clipping bound and one step per coordinate', async () => {
    const d = 33;
    const grid = await gridFor(d, 1, 100);
    fc.assert(
      fc.property(vector(d, 5), vector(d, 5), fc.integer({ min: 0, max: 1e6 }), (others, one, seed) => {
        const rest = admitClippedSum(clipDelta(others, 1).values, 9, 1, 9);
        const added = clipDelta(one, 1).values;
        const all = admitClippedSum(
          rest.values.map((value, i) => value + added[i]!),
          10,
          1,
          10,
        );
        const without = quantize(rest, noEvaluation(grid), grid, seededRandom(seed)).values;
        const withOne = quantize(all, noEvaluation(grid), grid, seededRandom(seed)).values;
        expect(distance(withOne, without)).toBeLessThanOrEqual(
          grid.unit + Math.sqrt(grid.layout.dPadded) + 1e-6,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('clipping', () => {
  it('bounds the norm, keeps the direction, and leaves shorter updates alone', () => {
    fc.assert(
      fc.property(vector(20, 100), fc.double({ min: 0.01, max: 50, noNaN: true }), (x, bound) => {
        const { values, twins } = clipDelta(x, bound);
        expect(twins).toBe(1);
        expect(norm(values)).toBeLessThanOrEqual(bound * (1 + 1e-12));
        expect(norm(values)).toBeCloseTo(Math.min(norm(x), bound), 8);
        const factor = norm(x) > bound ? bound / norm(x) : 1;
        values.forEach((value, i) => expect(value).toBeCloseTo(x[i]! * factor, 10));
      }),
    );
  });

  it('refuses a sum longer than its twins allow, and what is no number', () => {
    const refused = (make: () => ClippedDelta): void =>
      expect(make).toThrowError(expect.objectContaining({ code: 'protocol/clip' }));
    expect(admitClippedSum(Float64Array.of(3, 0), 3, 1, 3).twins).toBe(3);
    refused(() => admitClippedSum(Float64Array.of(3.001, 0), 3, 1, 3));
    refused(() => admitClippedSum(Float64Array.of(0.1), 0, 1, 0));
    refused(() => admitClippedSum(Float64Array.of(Number.NaN), 3, 1, 3));
    refused(() => clipDelta(Float64Array.of(Infinity), 1));
    refused(() => clipDelta(Float64Array.of(1e200), 1));
  });
});

describe('a report’s vector', () => {
  it('keeps within its head-room, or is not made', async () => {
    const grid = await gridFor(1);
    // The norm check leaves room for float32; on one coordinate even that room is too much for the grid.
    const brim = admitClippedSum(Float64Array.of(1 + 9e-5), 1, 1, 1);
    expect(() => quantize(brim, noEvaluation(grid), grid, seededRandom(5))).toThrowError(
      expect.objectContaining({ code: 'protocol/headroom' }),
    );
    const notANumber = { ...noEvaluation(grid), values: noEvaluation(grid).values.fill(Number.NaN) };
    expect(() => quantize(null, { ...notANumber, twins: 1 }, grid, seededRandom(5))).toThrowError(
      expect.objectContaining({ code: 'protocol/headroom' }),
    );
    const full = admitClippedSum(Float64Array.of(1), 1, 1, 1);
    expect(Math.abs(quantize(full, noEvaluation(grid), grid, seededRandom(5)).values[0]!)).toBe(grid.unit);
  });

  it('of the most twins, all alike and as long as they may be, adds up without an overflow', async () => {
    const maxTwins = 1_000;
    const grid = await gridFor(4, 1, maxTwins);
    for (const direction of [
      [1, 0, 0, 0],
      [0.5, 0.5, 0.5, 0.5],
      [-0.5, 0.5, -0.5, -0.5],
    ]) {
      const sum = admitClippedSum(
        Float64Array.from(direction, (x) => x * maxTwins),
        maxTwins,
        1,
        maxTwins,
      );
      const { values, twins } = quantize(sum, noEvaluation(grid), grid, seededRandom(6));
      expect(twins).toBe(maxTwins);
      const back = dequantizeUpdate(Int32Array.from(Uint32Array.from(values)), grid);
      back.forEach((value, i) => expect(value / maxTwins).toBeCloseTo(direction[i]!, 5));
    }
  });

  it('is made for one model, one bound and one evaluation only', async () => {
    const grid = await gridFor(3);
    const update = clipDelta(Float64Array.of(1, 2, 3), 1);
    const refused = (make: () => unknown): void =>
      expect(make).toThrowError(expect.objectContaining({ code: 'protocol/layout' }));
    refused(() => quantize(clipDelta(Float64Array.of(1, 2), 1), noEvaluation(grid), grid, seededRandom(7)));
    refused(() =>
      quantize(clipDelta(Float64Array.of(1, 2, 3), 2), noEvaluation(grid), grid, seededRandom(7)),
    );
    refused(() => quantize(update, { values: new Float64Array(3), twins: 0 }, grid, seededRandom(7)));
  });
});

function norm(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return norm(Float64Array.from({ length: a.length }, (_, i) => a[i]! - b[i]!));
}
