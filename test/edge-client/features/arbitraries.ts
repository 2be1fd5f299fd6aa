/** Random histories and features, with ties, gaps and equal values, and how to fold and compare them. */
import {
  applyEvent,
  createFeatureState,
  type FeaturePlan,
  type FeatureState,
} from '@twinkeep/edge-client/fleet';
import type { Category } from '@twinkeep/consent';
import {
  type Aggregate,
  type CustomerEvent,
  type Feature,
  inputWidth,
  networkOf,
  type TaskSpec,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { expect } from 'vitest';
import { admitted, DAY, makeEvent, makeTask, NOW } from '../fixtures.ts';

export const TODAY: number = Math.floor(NOW / DAY);
export const SPAN = 60;
export const ALL: ReadonlySet<Category> = new Set(['transactional', 'behavioral']);

export const instant: fc.Arbitrary<number> = fc.integer({ min: (TODAY - SPAN) * DAY, max: NOW });
/** Few values, so that ties, equal values and equal instants happen; few instants per day for the same reason. */
const value = fc.oneof(
  fc.constantFrom(0, 1, 2.5, -7, 1e6, 0.1),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.constantFrom('red', 'blue', ''),
  fc.boolean(),
);
export const history: fc.Arbitrary<CustomerEvent[]> = fc.array(
  fc
    .record({
      time: fc.oneof(
        instant,
        fc.constantFrom(NOW, NOW - DAY, NOW - 10 * DAY, NOW - 30 * DAY, NOW - 31 * DAY),
      ),
      type: fc.constantFrom('order', 'visit'),
      category: fc.constantFrom<Category[]>('transactional', 'behavioral'),
      data: fc.record({ x: value, y: value }, { requiredKeys: [] }),
    })
    .map(({ time, type, category, data }) =>
      // A null prototype and -0 do not survive JSON, which every event comes from.
      makeEvent(type, category, time, JSON.parse(JSON.stringify(data))),
    ),
  { maxLength: 40 },
);
const aggregate: fc.Arbitrary<Aggregate> = fc.oneof(
  fc.constantFrom<Aggregate[]>(
    ...(['last', 'sum', 'mean', 'min', 'max', 'distinct', 'trend', 'count', 'recency'] as const).map(
      (kind) => ({ kind }),
    ),
  ),
  fc.record({
    kind: fc.constant('decayed' as const),
    halfLifeDays: fc.double({ min: 0.1, max: 90, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('ratio' as const),
    equals: fc.constantFrom<(string | number | boolean)[]>('red', 1, true),
  }),
);
const feature: fc.Arbitrary<Feature> = fc
  .record({
    category: fc.constantFrom<Category[]>('transactional', 'behavioral'),
    event: fc.constantFrom('order', 'visit'),
    attribute: fc.constantFrom('x', 'y', undefined),
    aggregate,
    windowDays: fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined }),
  })
  .map(({ attribute, windowDays, ...rest }): Feature => {
    const { kind } = rest.aggregate;
    const needed = kind === 'count' || kind === 'recency' ? attribute : (attribute ?? 'x');
    const window = kind === 'trend' ? (windowDays ?? 30) : windowDays;
    return {
      ...rest,
      name: JSON.stringify([rest, attribute ?? null, windowDays ?? null]).slice(0, 64),
      ...(needed === undefined ? {} : { attribute: needed }),
      ...(window === undefined ? {} : { windowDays: window }),
      transform: { kind: 'scale', bounds: [-10, 10], curve: 'linear', indicator: true },
    };
  });
export const features: fc.Arbitrary<Feature[]> = fc.uniqueArray(feature, {
  minLength: 1,
  maxLength: 6,
  selector: ({ name }) => name,
});

export function taskWith(list: Feature[], horizonDays = 10): TaskSpec {
  const base = makeTask();
  return makeTask({
    features: list,
    label: { ...base.label, horizonDays },
    model: { ...networkOf(base), inputs: inputWidth(list) },
  });
}

export function fold(plan: FeaturePlan, events: readonly CustomerEvent[]): FeatureState {
  const state = createFeatureState(plan);
  for (const event of events) applyEvent(state, admitted(event));
  return state;
}

export function close(actual: unknown, expected: unknown): void {
  const tolerance = typeof expected === 'number' ? 1e-7 * Math.max(1e3, Math.abs(expected)) : 0;
  const near =
    typeof expected === 'number' && typeof actual === 'number' && Math.abs(actual - expected) <= tolerance;
  expect(near ? expected : actual).toBe(expected);
}

export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed;
  for (let i = out.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const j = state % (i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
