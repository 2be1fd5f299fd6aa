import { bytesToHex, sha256 } from '@twinkeep/audit';
import {
  bytesToWeights,
  initialWeights,
  layerShapes,
  parameterCount,
  weightsToBytes,
} from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import { describe, expect, test } from 'vitest';

const spec: ModelSpec = {
  kind: 'mlp',
  inputs: 46,
  hidden: [16],
  outputs: 1,
  activation: 'tanh',
  seed: 'golden',
};

describe('the first weights', () => {
  // Hashes of an independent implementation (Python: hashlib, math, numpy float32) of the documented construction.
  test.each([
    [spec, 'f733890256dbaad60c4824b4789e7223e3cddda1021288a6ff828614d7e2608d'],
    [
      { ...spec, inputs: 3, hidden: [], seed: 'é' },
      'ab6dbd1d25f9beb7214e820a4a023320c3508c4e6290771d75bde3aca5f8a2f2',
    ],
    [
      { ...spec, inputs: 5, hidden: [4, 3], seed: '' },
      'c69da4cc1e1d4c1ea817f2a187240d536e3bed886fbdca29aaeba52870b3b547',
    ],
  ])('of model %# are the same bytes everywhere', (model, hash) => {
    expect(bytesToHex(sha256(weightsToBytes(initialWeights(model))))).toBe(hash);
  });

  test('fill the Glorot interval of each layer, and start the biases at zero', () => {
    const weights = initialWeights({ ...spec, inputs: 200, hidden: [100] });
    const [first] = layerShapes({ ...spec, inputs: 200, hidden: [100] });
    const kernel = weights.subarray(0, 20_000);
    const bound = Math.sqrt(6 / 300);
    const mean = kernel.reduce((sum, w) => sum + w, 0) / kernel.length;
    const variance = kernel.reduce((sum, w) => sum + w * w, 0) / kernel.length;
    expect(first).toEqual({ inputs: 200, outputs: 100, offset: 0 });
    expect(kernel.every((w) => Math.abs(w) < bound)).toBe(true);
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(bound ** 2 / 3 / kernel.length));
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    expect(weights.subarray(20_000, 20_100).every((w) => w === 0)).toBe(true);
  });
});

test('the layers follow each other without a gap', () => {
  const shapes = layerShapes({ ...spec, inputs: 5, hidden: [4, 3] });
  expect(shapes).toEqual([
    { inputs: 5, outputs: 4, offset: 0 },
    { inputs: 4, outputs: 3, offset: 24 },
    { inputs: 3, outputs: 1, offset: 39 },
  ]);
  expect(parameterCount({ ...spec, inputs: 5, hidden: [4, 3] })).toBe(43);
});

describe('weights as bytes', () => {
  test('are little-endian float32 and nothing else', () => {
    const model = { ...spec, inputs: 1, hidden: [] };
    expect(bytesToHex(weightsToBytes(Float32Array.of(1, -2.5)))).toBe('0000803f000020c0');
    expect(bytesToWeights(Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0), model)).toEqual(
      Float32Array.of(1, -2.5),
    );
  });

  test('come back from a view into a larger buffer', () => {
    const bytes = weightsToBytes(initialWeights(spec));
    const framed = new Uint8Array(bytes.length + 3);
    framed.set(bytes, 3);
    expect(bytesToWeights(framed.subarray(3), spec)).toEqual(initialWeights(spec));
  });

  test('of another length, or not finite, are refused', () => {
    const bytes = weightsToBytes(initialWeights(spec));
    expect(() => bytesToWeights(bytes.subarray(4), spec)).toThrow(/expected 3076 bytes/);
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      const spoilt = bytes.slice();
      new DataView(spoilt.buffer).setFloat32(40, value, true);
      expect(() => bytesToWeights(spoilt, spec)).toThrow(/weight 10 is not finite/);
      expect(() => weightsToBytes(Float32Array.of(value))).toThrow(/weight 0 is not finite/);
    }
  });
});
