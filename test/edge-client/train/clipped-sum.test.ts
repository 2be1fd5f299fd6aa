import * as tf from '@tensorflow/tfjs';
import { createTfEngine } from '@twinkeep/edge-client/train';
import type { TrainingRows } from '@twinkeep/edge-client/train';
import { initialWeights } from '@twinkeep/protocol';
import type { ModelSpec } from '@twinkeep/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { norm, plainLogit, plainLoss, problems, rowGradient, rowOf } from './reference.ts';
import type { Problem } from './reference.ts';

// Before the first tensor: keeps the advertisement of tfjs-node off the console.
tf.enableProdMode();

describe('the clipped sum', () => {
  const bounds = ['clips none', 'clips some', 'clips all'] as const;
  test.each(bounds)('equals explicit per-twin gradients when the bound %s', async (which) => {
    let informative = 0;
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        const gradients = explicitGradients(problem);
        const norms = gradients.map(norm);
        const clip = boundThat(which, norms);
        if (clip === undefined) return;
        informative++;

        const result = await createTfEngine(tf, problem.spec).clippedSum(problem.weights, problem.rows, clip);
        const expected = sumOf(
          gradients,
          norms.map((length) => Math.min(1, clip / length)),
        );
        // Float32 arithmetic, and the engine clips 2^-16 tighter than asked.
        const tolerance = 1e-4 * norms.reduce((total, length) => total + Math.min(length, clip), 0) + 1e-6;
        expect(furthest(result.sum, expected)).toBeLessThan(tolerance);
        expect(result.clippedCount).toBe(norms.filter((length) => length > clip).length);
        expect(result.count).toBe(problem.rows.labels.filter((label) => !Number.isNaN(label)).length);
      }),
      { numRuns: 60 },
    );
    expect(informative).toBeGreaterThan(20);
  });

  test('of one twin is never longer than the bound, nor its absence from a sum', async () => {
    await fc.assert(
      fc.asyncProperty(problems, fc.double({ min: 1e-3, max: 3, noNaN: true }), async (problem, clip) => {
        const engine = createTfEngine(tf, problem.spec);
        const { sum } = await engine.clippedSum(problem.weights, problem.rows, clip);
        const first = {
          ...problem.rows,
          labels: problem.rows.labels.map((label, i) => (i === 0 ? label : NaN)),
        };
        const others = {
          ...problem.rows,
          labels: problem.rows.labels.map((label, i) => (i === 0 ? NaN : label)),
        };
        const alone = await engine.clippedSum(problem.weights, first, clip);
        const without = await engine.clippedSum(problem.weights, others, clip);
        expect(norm(alone.sum)).toBeLessThanOrEqual(clip);
        expect(
          furthest(
            alone.sum.map((value, i) => value + without.sum[i]!),
            sum,
          ),
        ).toBeLessThan(1e-4 * clip);
      }),
      { numRuns: 60 },
    );
  });

  test('of one twin is the slope of its loss, by finite differences', async () => {
    const spec: ModelSpec = {
      kind: 'mlp',
      inputs: 5,
      hidden: [4, 3],
      outputs: 1,
      activation: 'tanh',
      seed: 'slope',
    };
    const weights = initialWeights(spec).map((weight, i) => weight + 0.01 * i);
    const row = Float32Array.of(0.3, -1, 0.7, 0, 1);
    const rows = { features: row, labels: Float32Array.of(1), n: 1 };
    const { sum, loss } = await createTfEngine(tf, spec).clippedSum(weights, rows, 1e6);

    const step = 1e-5;
    const slopes = Array.from(weights, (_, i) => {
      const moved = (by: number) =>
        plainLoss(
          spec,
          Float64Array.from(weights, (w, j) => (i === j ? w + by : w)),
          row,
          1,
        );
      return (moved(step) - moved(-step)) / (2 * step);
    });
    expect(norm(slopes)).toBeGreaterThan(0.1);
    expect(furthest(sum, slopes)).toBeLessThan(1e-5);
    expect(loss).toBeCloseTo(plainLoss(spec, weights, row, 1), 5);
  });

  test('leaves a twin without a label out of every figure', async () => {
    const { spec, weights, rows } = fixture(40);
    const engine = createTfEngine(tf, spec);
    const half = { ...rows, labels: rows.labels.map((label, i) => (i < 20 ? label : Number.NaN)) };
    const firstHalf = {
      features: rows.features.slice(0, 20 * spec.inputs),
      labels: rows.labels.slice(0, 20),
      n: 20,
    };
    const masked = await engine.clippedSum(weights, half, 0.5);
    const absent = await engine.clippedSum(weights, firstHalf, 0.5);
    expect(furthest(masked.sum, absent.sum)).toBeLessThan(1e-5);
    expect(masked).toMatchObject({ count: 20, clippedCount: absent.clippedCount });
    expect(masked.loss).toBeCloseTo(absent.loss, 6);
    const none = await engine.clippedSum(
      weights,
      { ...rows, labels: rows.labels.map(() => Number.NaN) },
      0.5,
    );
    expect(none).toEqual({ sum: new Float64Array(weights.length), count: 0, clippedCount: 0, loss: 0 });
  });

  test('and the scores go through in chunks without losing or repeating a row', async () => {
    const { spec, weights, rows } = fixture(20_000);
    const engine = createTfEngine(tf, spec);
    const whole = await engine.clippedSum(weights, rows, 0.5);
    const parts = [slice(rows, spec, 0, 7_000), slice(rows, spec, 7_000, 20_000)];
    const [first, second] = await Promise.all(parts.map((part) => engine.clippedSum(weights, part, 0.5)));
    expect(
      furthest(
        whole.sum,
        first!.sum.map((value, i) => value + second!.sum[i]!),
      ),
    ).toBeLessThan(1e-2);
    expect(norm(whole.sum)).toBeGreaterThan(100);
    expect(whole.count).toBe(20_000);
    expect(whole.clippedCount).toBe(first!.clippedCount + second!.clippedCount);

    const scores = await engine.scores(weights, rows);
    for (const i of [0, 8_191, 8_192, 16_384, 19_999]) {
      expect(scores[i]).toBeCloseTo(plainLogit(spec, weights, rowOf(rows, i, spec.inputs)), 4);
    }
  });
});

describe('the engine', () => {
  test('holds no tensor between calls, not even after a failure', async () => {
    const { spec, weights, rows } = fixture(9_000);
    const engine = createTfEngine(tf, spec);
    const before = tf.memory().numTensors;
    await engine.clippedSum(weights, rows, 1);
    await engine.scores(weights, rows);
    const overflowing = { ...spec, hidden: [4, 4] };
    const huge = initialWeights(overflowing).map((weight) => weight * 1e30);
    await expect(createTfEngine(tf, overflowing).clippedSum(huge, rows, 1)).rejects.toMatchObject({
      code: 'training/diverged',
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('needs no more memory for many rows than for one chunk', async () => {
    const [one, five] = [await peakBytes(8_192), await peakBytes(5 * 8_192)];
    expect(one).toBeGreaterThan(8_192 * 4);
    expect(five).toBeLessThan(1.1 * one);
  });

  test.each<[string, (good: TrainingRows) => TrainingRows]>([
    ['a feature that is not a number', (rows) => ({ ...rows, features: rows.features.with(3, Number.NaN) })],
    ['an infinite feature', (rows) => ({ ...rows, features: rows.features.with(3, Infinity) })],
    ['too few features', (rows) => ({ ...rows, features: rows.features.slice(1) })],
    ['too few labels', (rows) => ({ ...rows, labels: rows.labels.slice(1) })],
    ['a label between the classes', (rows) => ({ ...rows, labels: rows.labels.with(0, 0.5) })],
    ['a negative label', (rows) => ({ ...rows, labels: rows.labels.with(0, -1) })],
    ['a fractional number of rows', (rows) => ({ ...rows, n: 5.5 })],
  ])('refuses %s', async (_, spoil) => {
    const { spec, weights, rows } = fixture(6);
    const engine = createTfEngine(tf, spec);
    await expect(engine.clippedSum(weights, spoil(rows), 1)).rejects.toMatchObject({
      code: 'rows/malformed',
    });
    await expect(engine.scores(weights, spoil(rows))).rejects.toMatchObject({ code: 'rows/malformed' });
  });

  test.each([0, -1, Infinity, Number.NaN])('refuses the clipping bound %d', async (clip) => {
    const { spec, weights, rows } = fixture(6);
    await expect(createTfEngine(tf, spec).clippedSum(weights, rows, clip)).rejects.toMatchObject({
      code: 'clip/out-of-range',
    });
  });

  test("refuses weights that are not the network's, or not finite", async () => {
    const { spec, weights, rows } = fixture(6);
    const engine = createTfEngine(tf, spec);
    for (const bad of [weights.slice(1), weights.with(2, Number.NaN)]) {
      await expect(engine.clippedSum(bad, rows, 1)).rejects.toMatchObject({ code: 'protocol/weights' });
      await expect(engine.scores(bad, rows)).rejects.toMatchObject({ code: 'protocol/weights' });
    }
  });
});

function fixture(n: number): Problem {
  const spec: ModelSpec = {
    kind: 'mlp',
    inputs: 3,
    hidden: [4],
    outputs: 1,
    activation: 'relu',
    seed: 'fixture',
  };
  const rows = {
    features: Float32Array.from({ length: n * spec.inputs }, (_, i) => Math.sin(i * i)),
    labels: Float32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    n,
  };
  return { spec, weights: initialWeights(spec), rows };
}

async function peakBytes(n: number): Promise<number> {
  const { spec, weights, rows } = fixture(n);
  const engine = createTfEngine(tf, spec);
  // The types know only of functions that answer with tensors.
  const profile = await tf.profile(() => engine.clippedSum(weights, rows, 1) as Promise<never>);
  return profile.peakBytes;
}

function slice(rows: TrainingRows, spec: ModelSpec, from: number, to: number): TrainingRows {
  return {
    features: rows.features.slice(from * spec.inputs, to * spec.inputs),
    labels: rows.labels.slice(from, to),
    n: to - from,
  };
}

function explicitGradients({ spec, weights, rows }: Problem): Float32Array[] {
  return Array.from(rows.labels, (label, i) =>
    rowGradient(spec, weights, rowOf(rows, i, spec.inputs), label),
  );
}

/** A bound for these norms, or undefined where none can show it, or rounding could decide which twin is clipped. */
function boundThat(which: 'clips none' | 'clips some' | 'clips all', norms: number[]): number | undefined {
  const lengths = norms.filter((length) => length > 1e-3).toSorted((a, b) => a - b);
  const [shortest, longest] = [lengths[0], lengths.at(-1)];
  if (shortest === undefined || longest === undefined || lengths.length < norms.filter((x) => x > 0).length)
    return undefined;
  if (which === 'clips none') return 2 * longest;
  if (which === 'clips all') return shortest / 2;
  const middle = Math.sqrt(shortest * longest);
  return lengths.some((length) => Math.abs(length / middle - 1) < 1e-3) ? undefined : middle;
}

function sumOf(gradients: Float32Array[], scales: number[]): Float64Array {
  const sum = new Float64Array(gradients[0]!.length);
  gradients.forEach((gradient, row) => {
    gradient.forEach((value, i) => {
      sum[i]! += value === 0 ? 0 : value * scales[row]!;
    });
  });
  return sum;
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}
