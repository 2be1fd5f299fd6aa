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
