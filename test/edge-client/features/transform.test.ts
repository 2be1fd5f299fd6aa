import { applyEvent, createFeatureState, featureRow, planOf } from '@twinkeep/edge-client/fleet';
import {
  bend,
  inputWidth,
  parseTask,
  type AttributeValue,
  type Feature,
  type Transform,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admitted, makeEvent, makeTask, NOW } from '../fixtures.ts';

function inputsOf(transform: Transform, value: AttributeValue | null): number[] {
  const feature: Feature = {
    name: 'x',
    category: 'transactional',
    event: 'attribute.set',
    attribute: 'x',
    aggregate: { kind: 'last' },
    transform,
  };
  const base = makeTask();
  const task = parseTask({
    ...base,
    features: [feature],
    model: { ...base.model, inputs: inputWidth([feature]) },
  });
  const state = createFeatureState(planOf([task]));
  if (value !== null)
    applyEvent(state, admitted(makeEvent('attribute.set', 'transactional', NOW, { x: value })));
  return [...featureRow(state, task, NOW, new Set(['transactional']))];
}

const linear = { kind: 'scale', bounds: [10, 30], curve: 'linear', indicator: false } as const;

describe('scale', () => {
  it.each([
    [10, -1],
    [20, 0],
    [30, 1],
    [25, 0.5],
    [9, -1],
    [-1e300, -1],
    [1e300, 1],
  ])('maps %d on bounds 10..30 to %d', (value, input) => {
    expect(inputsOf({ ...linear, bounds: [10, 30] }, value)).toEqual([input]);
  });

  it('bends the value and the bounds alike', () => {
    expect(
      inputsOf(
        { kind: 'scale', bounds: [0, Math.E - 1], curve: 'log1p', indicator: false },
        Math.sqrt(Math.E) - 1,
      )[0],
    ).toBeCloseTo(0, 6);
    const symlog: Transform = { kind: 'scale', bounds: [-99, 99], curve: 'symlog', indicator: false };
    expect(inputsOf(symlog, 0)).toEqual([0]);
    expect(inputsOf(symlog, 9)[0]).toBeCloseTo(0.5, 6);
    expect(inputsOf(symlog, -9)[0]).toBeCloseTo(-0.5, 6);
    expect(inputsOf(symlog, -5000)).toEqual([-1]);
  });

  it('tells a missing value from one in the middle only by its indicator', () => {
    const transform: Transform = { ...linear, bounds: [10, 30], indicator: true };
    expect(inputsOf(transform, 20)).toEqual([0, 1]);
    expect(inputsOf(transform, null)).toEqual([0, 0]);
    expect(inputsOf(transform, 'a word')).toEqual([0, 0]);
    expect(inputsOf(transform, true)).toEqual([-1, 1]);
  });

  it('stays within [-1, 1] for every curve, bounds and value', () => {
    const bound = fc.double({ min: -8.9e307, max: 8.9e307, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(bound, bound).filter(([a, b]) => a < b && bend('symlog', a) < bend('symlog', b)),
        fc.constantFrom('linear' as const, 'symlog' as const),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (bounds, curve, value) => {
          const [input] = inputsOf(
            { kind: 'scale', bounds, curve, indicator: false },
            value === 0 ? 0 : value,
          );
          expect(Math.abs(input!)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('takes no bounds that a curve cannot bend', () => {
    const refused = (transform: Transform): void =>
      expect(() => inputsOf(transform, 1)).toThrowError(expect.objectContaining({ code: 'protocol/task' }));
    refused({ kind: 'scale', bounds: [-1, 5], curve: 'log1p', indicator: false });
    refused({ kind: 'scale', bounds: [5, 5], curve: 'linear', indicator: false });
    refused({ kind: 'scale', bounds: [-1.7e308, 1.7e308], curve: 'linear', indicator: false });
    refused({ kind: 'scale', bounds: [1e150, 1.0000000000000002e150], curve: 'symlog', indicator: false });
    expect(inputsOf({ kind: 'scale', bounds: [-0.5, 5], curve: 'log1p', indicator: false }, -3)).toEqual([
      -1,
    ]);
  });
});

describe('one-hot', () => {
  const vocabulary = ['1', 1, true, 'x'];

  it.each<[AttributeValue | null, number[]]>([
    ['1', [1, 0, 0, 0, 0]],
    [1, [0, 1, 0, 0, 0]],
    [true, [0, 0, 1, 0, 0]],
    ['y', [0, 0, 0, 0, 1]],
    [false, [0, 0, 0, 0, 1]],
    [null, [0, 0, 0, 0, 0]],
  ])('of %j is one input per word, and one for others', (value, inputs) => {
    expect(inputsOf({ kind: 'one-hot', vocabulary, other: true }, value)).toEqual(inputs);
    expect(inputsOf({ kind: 'one-hot', vocabulary, other: false }, value)).toEqual(inputs.slice(0, 4));
  });
});

describe('bucket', () => {
  it.each<[AttributeValue | null, number[]]>([
    [-5, [1, 0, 0]],
    [0, [0, 1, 0]],
    [9.99, [0, 1, 0]],
    [10, [0, 0, 1]],
    [1e9, [0, 0, 1]],
    ['word', [0, 0, 0]],
    [null, [0, 0, 0]],
  ])('puts %j into one of the half-open intervals', (value, inputs) => {
    expect(inputsOf({ kind: 'bucket', edges: [0, 10] }, value)).toEqual(inputs);
  });
});
