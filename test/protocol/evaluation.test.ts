import {
  addEvaluation,
  planGrid,
  histogramAuc,
  readEvaluation,
  type EvaluationFigures,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const SPEC = { bins: 400, logitRange: 8, maxLoss: 8, holdout: 0.2 };
const { unit: UNIT } = planGrid({ bits: 32, maxTwins: 5_000, dPadded: 1, noise: null });

function figuresOf(logits: Float32Array, labels: Float32Array, spec = SPEC, unit = UNIT): EvaluationFigures {
  const { values } = addEvaluation(logits, labels, unit, spec);
  return readEvaluation(Int32Array.from(values, Math.round), unit, spec, 0);
}

/** Every pair of a positive and a negative, one by one. */
function exactAuc(logits: Float32Array, labels: Float32Array): number {
  let [wins, pairs] = [0, 0];
  labels.forEach((a, i) => {
    if (a !== 1) return;
    labels.forEach((b, j) => {
      if (b !== 0) return;
      pairs++;
      wins += (Math.sign((logits[i] as number) - (logits[j] as number)) + 1) / 2;
    });
  });
  return wins / pairs;
}

const exactLoss = (logits: Float32Array, labels: Float32Array): number => {
  const losses = [...logits].map((z, i) =>
    Math.min(8, -Math.log(labels[i] === 1 ? 1 / (1 + Math.exp(-z)) : 1 / (1 + Math.exp(z)))),
  );
  return losses.reduce((a, b) => a + b, 0) / losses.length;
};

/** A small generator, so that every run looks at the same populations. */
function population(
  seed: number,
  n: number,
  spread: number,
  shift: number,
): { logits: Float32Array; labels: Float32Array } {
  let state = seed * 2_654_435_761;
  const uniform = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const labels = Float32Array.from({ length: n }, () => (uniform() < 0.27 ? 1 : 0));
  const logits = Float32Array.from(labels, (label) => spread * normal() + (label === 1 ? shift : 0) - 1);
  return { logits, labels };
}

describe('figures from histograms', () => {
  it.each([200, 400, 1_024])(
    'with %d bins are within 0.002 of the exact AUC, and the loss is exact',
    (bins) => {
      for (let seed = 1; seed <= 12; seed++) {
        const { logits, labels } = population(seed, 1_400, 0.5 + (seed % 4) / 2, 0.3 + (seed % 3));
        const figures = figuresOf(logits, labels, { ...SPEC, bins });
        expect(Math.abs(figures.auc! - exactAuc(logits, labels))).toBeLessThan(0.002);
        expect(figures.logLoss).toBeCloseTo(exactLoss(logits, labels), 5);
        expect(figures.twins).toBe(1_400);
        expect(figures.positives).toBe(labels.reduce((a, b) => a + b, 0));
      }
    },
  );

  it('of a perfect, a reversed and a constant model are 1, 0 and a half', () => {
    const labels = Float32Array.of(0, 0, 1, 1);
    expect(figuresOf(Float32Array.of(-3, -1, 1, 3), labels).auc).toBe(1);
    expect(figuresOf(Float32Array.of(3, 1, -1, -3), labels).auc).toBe(0);
    expect(figuresOf(Float32Array.of(2, 2, 2, 2), labels).auc).toBe(0.5);
  });

  it('of one class, or of nobody, are missing', () => {
    expect(figuresOf(Float32Array.of(1, 2), Float32Array.of(1, 1))).toMatchObject({
      auc: null,
      twins: 2,
      positives: 2,
    });
    expect(figuresOf(new Float32Array(), new Float32Array())).toEqual({
      twins: 0,
      positives: 0,
      auc: null,
      aucError: 0,
      logLoss: null,
      noise: 0,
    });
    expect(histogramAuc([0, 0], [0, 0])).toBeNull();
  });

  it('do not count a twin without a label', () => {
    const some = figuresOf(Float32Array.of(1, 2, 3), Float32Array.of(1, Number.NaN, 0));
    expect(some).toEqual(figuresOf(Float32Array.of(1, 3), Float32Array.of(1, 0)));
    expect(addEvaluation(Float32Array.of(1, 2), Float32Array.of(Number.NaN, 1), UNIT, SPEC).twins).toBe(1);
  });

  it('add up over nodes', () => {
    const whole = population(5, 300, 1, 1);
    const parts = [0, 100, 200].map((at) =>
      addEvaluation(whole.logits.subarray(at, at + 100), whole.labels.subarray(at, at + 100), UNIT, SPEC),
    );
    const sum = new Int32Array(2 * SPEC.bins + 1);
    for (const { values } of parts) values.forEach((value, i) => (sum[i] = sum[i]! + Math.round(value)));
    const [apart, together] = [readEvaluation(sum, UNIT, SPEC, 0), figuresOf(whole.logits, whole.labels)];
    expect(apart.auc).toBe(together.auc);
    expect(apart.logLoss).toBeCloseTo(together.logLoss!, 5);
  });

  it('put the most extreme scores into the outer bins, and cap their loss', () => {
    const figures = figuresOf(Float32Array.of(-1e30, 1e30), Float32Array.of(1, 0));
    expect(figures).toMatchObject({ auc: 0, twins: 2 });
    expect(figures.logLoss).toBeCloseTo(8, 5);
    expect(figuresOf(Float32Array.of(-1e30, 1e30), Float32Array.of(0, 1)).logLoss).toBeCloseTo(0, 5);
  });
});

describe('one twin’s block', () => {
  it('is no longer than an update may be, for every score, label and grid', () => {
    fc.assert(
      fc.property(
        fc.float({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(0, 1),
        fc.integer({ min: 2, max: 1e7 }),
        (logit, label, maxTwins) => {
          const { unit } = planGrid({ bits: 32, maxTwins, dPadded: 1, noise: null });
          const { values } = addEvaluation(Float32Array.of(logit), Float32Array.of(label), unit, SPEC);
          expect(Math.hypot(...values)).toBeLessThanOrEqual(unit);
          expect(values.filter((value) => value !== 0).length).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});

describe('what is no evaluation', () => {
  it.each<[string, () => unknown, string]>([
    [
      'scores without labels',
      () => addEvaluation(Float32Array.of(1), new Float32Array(), UNIT, SPEC),
      'protocol/layout',
    ],
    [
      'a score that is none',
      () => addEvaluation(Float32Array.of(Number.NaN), Float32Array.of(1), UNIT, SPEC),
      'protocol/clip',
    ],
    [
      'an infinite score',
      () => addEvaluation(Float32Array.of(Infinity), Float32Array.of(1), UNIT, SPEC),
      'protocol/clip',
    ],
    ['a sum of another length', () => readEvaluation(new Int32Array(3), UNIT, SPEC, 0), 'protocol/layout'],
    [
      'a sum with a broken count',
      () => readEvaluation(new Int32Array(801).fill(1, 3, 4), UNIT, SPEC, 0),
      'protocol/layout',
    ],
    [
      'a sum with a negative count',
      () => readEvaluation(new Int32Array(801).fill(-Math.floor(UNIT * 0.9), 3, 4), UNIT, SPEC, 0),
      'protocol/layout',
    ],
  ])('is refused: %s', (_, run, code) => {
    expect(run).toThrowError(expect.objectContaining({ code }));
  });
});
