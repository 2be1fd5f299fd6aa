import {
  operatorsOf,
  featureSchema,
  inputWidth,
  parseTask,
  parseTrust,
  transformWidth,
  type Feature,
  type PrivacySpec,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { makeTask } from '../edge-client/fixtures.ts';

const task = makeTask();
const GAUSSIAN: PrivacySpec = {
  mech: 'discrete-gaussian',
  noiseMultiplier: 10,
  epsilon: 8,
  delta: 1e-5,
  trainings: 1,
  evaluations: 1,
  adaptiveClip: null,
};
const [plan, spend, visits] = task.features as [Feature, Feature, Feature];

describe('a task', () => {
  it('survives JSON', () => {
    expect(parseTask(JSON.parse(JSON.stringify(task)))).toEqual(task);
  });

  it.each<[string, Partial<Record<keyof TaskSpec, unknown>>, RegExp?]>([
    ['another version', { v: 2 }],
    ['an id with a path in it', { taskId: '../x' }],
    ['a purpose that is no IRI', { purpose: 'fun' }],
    [
      'a category twice',
      { categories: { required: ['transactional', 'transactional'], optional: [] } },
      /twice/,
    ],
    [
      'a category required and optional',
      { categories: { required: ['transactional'], optional: ['transactional'] } },
      /twice/,
    ],
    ['nothing required', { categories: { required: [], optional: ['transactional'] } }],
    [
      'a feature outside its categories',
      { categories: { required: ['transactional'], optional: [] } },
      /visits/,
    ],
    ['a label that need not be consented to', { label: { ...task.label, category: 'behavioral' } }, /label/],
    ['two features of one name', { features: [plan, plan] }, /one name/],
    ['a model of another width', { model: { ...task.model, inputs: 5 } }, /6 inputs/],
    ['a model beyond all bounds', { model: { ...task.model, hidden: [65_536, 65_536] } }, /million/],
    ['an unbounded update', { clipL2: Infinity }],
    ['fewer bins than figures need', { evaluation: { ...task.evaluation, bins: 15 } }],
    ['a privacy that is not there', { privacy: { mech: 'laplace' } as never }],
    ['more trainings than rounds', { privacy: { ...GAUSSIAN, trainings: task.rounds + 1 } }, /trainings/],
    [
      'an adaptive bound that eats all the noise',
      { privacy: { ...GAUSSIAN, adaptiveClip: { quantile: 0.5, learningRate: 0.2, noise: 5 } } },
      /half the noise/,
    ],
    [
      'noise without head-room',
      { bits: 20, privacy: GAUSSIAN, floors: { ...task.floors, maxTwins: 30_800 } },
      /head-room/,
    ],
    ['one of two helpers in log mode', { helpers: { m: 4, c: 1, mode: 'log', q: 1 } }, /log mode/],
    ['a sum over one report', { floors: { ...task.floors, nMin: 1 } }],
    ['a target below the floor', { floors: { ...task.floors, nMin: 4, nTarget: 3 } }, /nTarget/],
    ['more twins than the grid can hold', { floors: { ...task.floors, maxTwins: 2e8 } }],
    ['helpers that may all collude', { helpers: { m: 4, c: 4, mode: 'quorum', q: 4 } }],
    [
      'a quorum that two disjoint halves can form',
      { helpers: { m: 4, c: 1, mode: 'quorum', q: 2 } },
      /quorum/,
    ],
    ['a quorum larger than all', { helpers: { m: 4, c: 1, mode: 'quorum', q: 5 } }, /quorum/],
    ['a window of no length', { windows: { ...task.windows, ack: 0 } }],
    ['a field too many', { noise: 0 } as never],
  ])('is refused with %s', (_, change, message) => {
    const refused = (): unknown => parseTask({ ...task, ...change });
    expect(refused).toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/^protocol\/(task|family|headroom)$/) }),
    );
    expect(refused).toThrow(message ?? /./);
  });
});

describe('a feature', () => {
  const good = (feature: unknown): boolean => v.is(featureSchema, feature);
  const { windowDays: _, ...untilNow } = spend;

  it('needs an attribute where one is read, and a window where one is needed', () => {
    expect(good(visits)).toBe(true);
    const { attribute, ...rest } = spend;
    expect(attribute).toBe('amount');
    expect(good(rest)).toBe(false);
    expect(good({ ...rest, aggregate: { kind: 'recency' } })).toBe(true);
    expect(good({ ...spend, aggregate: { kind: 'trend' } })).toBe(true);
    expect(good({ ...untilNow, aggregate: { kind: 'trend' } })).toBe(false);
    expect(good({ ...untilNow, aggregate: { kind: 'sum' } })).toBe(true);
  });

  it('is data, and bounded', () => {
    for (const broken of [
      { ...spend, aggregate: { kind: 'eval', code: '1' } },
      { ...spend, aggregate: { kind: 'decayed', halfLifeDays: 0 } },
      { ...spend, windowDays: 0 },
      { ...spend, windowDays: 4_000 },
      { ...spend, transform: { ...spend.transform, curve: 'sigmoid' } },
      { ...plan, transform: { kind: 'one-hot', vocabulary: [], other: true } },
      { ...plan, transform: { kind: 'one-hot', vocabulary: ['a', 'a'], other: true } },
      { ...spend, transform: { kind: 'bucket', edges: [2, 1] } },
      { ...spend, transform: { kind: 'bucket', edges: [1, 1] } },
      { ...spend, name: '' },
      { ...spend, category: 'medical' },
    ])
      expect(good(broken)).toBe(false);
  });

  it('makes as many inputs as its transform says', () => {
    expect(task.features.map(({ transform }) => transformWidth(transform))).toEqual([3, 1, 2]);
    expect(inputWidth(task.features)).toBe(6);
    expect(transformWidth({ kind: 'bucket', edges: [1, 2, 3] })).toBe(4);
    expect(transformWidth({ kind: 'one-hot', vocabulary: ['a'], other: false })).toBe(1);
  });
});

describe('the trust root', () => {
  const key = (n: number): string => `${String.fromCharCode(65 + n).repeat(42)}A`;
  const trust: Trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.example', operator: 'Example Bank', key: key(0) },
    log: { vkey: 'log+1+x' },
    witnesses: null,
    helpers: [1, 2, 3].map((j) => ({ j, operator: j < 3 ? 'A' : 'B', key: key(j) })),
    issuer: { id: 'https://bank.example', keys: [key(9)] },
  };

  it('names its operators, and how many they are', () => {
    expect(parseTrust(structuredClone(trust))).toEqual(trust);
    expect(operatorsOf(trust)).toEqual(['Example Bank', 'A', 'B']);
  });

  it.each<[string, Partial<Record<keyof Trust, unknown>>]>([
    ['another version', { v: 2 }],
    ['no helper', { helpers: [] }],
    ['helpers out of order', { helpers: trust.helpers.toReversed() }],
    ['a helper missing in between', { helpers: [trust.helpers[0], trust.helpers[2]] }],
    ['one key for two helpers', { helpers: trust.helpers.map((helper) => ({ ...helper, key: key(1) })) }],
    ['a helper that nobody runs', { helpers: [{ ...trust.helpers[0], operator: '' }] }],
    ['a key that is none', { coordinator: { id: 'x', operator: 'Example Bank', key: 'short' } }],
    ['no issuer', { issuer: { id: 'x', keys: [] } }],
    ['a field too many', { fetchedFrom: 'https://coordinator.example' } as never],
  ])('is refused with %s', (_, change) => {
    expect(() => parseTrust({ ...trust, ...change })).toThrowError(
      expect.objectContaining({ code: 'protocol/trust' }),
    );
  });
});
