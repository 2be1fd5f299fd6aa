import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { initialWeights, ProtocolError, type ModelSpec } from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createForward, sigmoid } from '../../../edge-client/train/forward.ts';

const spec: fc.Arbitrary<ModelSpec> = fc.record({
  kind: fc.constant('mlp' as const),
  inputs: fc.integer({ min: 1, max: 12 }),
  hidden: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  outputs: fc.constant(1 as const),
  activation: fc.constantFrom('relu' as const, 'tanh' as const),
  seed: fc.string({ minLength: 1, maxLength: 8 }),
});

describe('one row in plain JavaScript', () => {
  it('gets the logit that the training engine gets, for any network', async () => {
    const { tf } = await loadTf();
    await fc.assert(
      fc.asyncProperty(
        spec,
        fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })),
        async (model, stream) => {
          const weights = initialWeights(model).map((weight, i) => weight + ((i % 7) - 3) / 10);
          const inputs = Float32Array.from({ length: model.inputs }, () => stream.next().value as number);
          const [logit] = await createTfEngine(tf, model).scores(weights, {
            features: inputs,
            labels: Float32Array.of(Number.NaN),
            n: 1,
          });
          expect(createForward(model, weights)(inputs)).toBeCloseTo(logit as number, 4);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('takes no weights of another network', () => {
    const model: ModelSpec = {
      kind: 'mlp',
      inputs: 2,
      hidden: [],
      outputs: 1,
      activation: 'relu',
      seed: 's',
    };
    expect(() => createForward(model, new Float32Array(4))).toThrow(ProtocolError);
    expect(() => createForward(model, Float32Array.of(1, Number.NaN, 2))).toThrow(ProtocolError);
  });

  it('makes probabilities of any logit', () => {
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(1)).toBeCloseTo(0.7310585786, 9);
    expect(sigmoid(-1) + sigmoid(1)).toBeCloseTo(1, 15);
    expect([sigmoid(-1e4), sigmoid(1e4)]).toEqual([0, 1]);
  });
});
