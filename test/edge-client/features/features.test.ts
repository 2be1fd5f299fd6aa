import {
  aggregateValue,
  applyEvent,
  createFeatureState,
  decodeFeatures,
  encodeFeatures,
  featureRow,
  labelOf,
  planOf,
  recordEvents,
} from '@twinkeep/edge-client/fleet';
import type { Category } from '@twinkeep/consent';
import type { CustomerEvent, Feature } from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryTwinStore } from '../../support/memory-twin-store.ts';
import { admitted, DAY, makeChain, makeEvent, makeTask, NOW, POLICY, SUBJECT } from '../fixtures.ts';
import {
  ALL,
  close,
  features,
  fold,
  history,
  instant,
  shuffle,
  SPAN,
  taskWith,
  TODAY,
} from './arbitraries.ts';
import { bruteForce } from './brute-force.ts';

describe('features', () => {
  it('equal those computed over all raw events, for every aggregate and as of any day', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        history,
        features,
        fc.integer({ min: TODAY - SPAN - 5, max: TODAY }),
        (events, list, day) => {
          const state = fold(planOf([taskWith(list)]), events);
          for (const each of list) {
            kinds.add(each.aggregate.kind);
            close(aggregateValue(state, each, day), bruteForce(events, each, day));
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(kinds.size).toBe(11);
  });

  it('do not depend on the order of arrival, nor on when they were stored and read back', () => {
    const label = instant.map((time) => makeEvent('contract.ended', 'transactional', time, { left: true }));
    fc.assert(
      fc.property(
        history,
        fc.array(label, { minLength: 1, maxLength: 3 }),
        features,
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        (events, labels, list, seed, stored) => {
          const task = taskWith(list);
          const plan = planOf([task]);
          const inOrder = [...events, ...labels];
          const once = fold(plan, inOrder);
          let often = createFeatureState(plan);
          shuffle(inOrder, seed).forEach((event, i) => {
            applyEvent(often, admitted(event));
            if (stored[i % stored.length]) often = decodeFeatures(encodeFeatures(often), plan);
          });
          const expected = labelOf(once, task);
          const actual = labelOf(often, task);
          expect(actual).toEqual(expected);
          expect(actual.label).toBe(1);
          const rowA = featureRow(once, task, expected.asOf!, ALL);
          const rowB = featureRow(often, task, actual.asOf!, ALL);
          rowB.forEach((input, i) => close(input, rowA[i]));
          for (const each of list) {
            const day = Math.floor(expected.asOf! / DAY);
            close(aggregateValue(often, each, day), bruteForce(events, each, day));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('as of a day see no event of a later day', () => {
    fc.assert(
      fc.property(history, features, fc.integer({ min: TODAY - SPAN, max: TODAY }), (events, list, day) => {
        const plan = planOf([taskWith(list)]);
        const past = events.filter(({ time }) => Math.floor(Date.parse(time) / DAY) <= day);
        const all = fold(plan, events);
        const upTo = fold(plan, past);
        for (const each of list) expect(aggregateValue(all, each, day)).toBe(aggregateValue(upTo, each, day));
      }),
    );
  });

  it('never see the day of the label, where the horizon is a day or more', () => {
    const leak: Feature = {
      name: 'leak',
      category: 'transactional',
      event: 'contract.ended',
      attribute: 'left',
      aggregate: { kind: 'last' },
      transform: { kind: 'one-hot', vocabulary: [true, false], other: false },
    };
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 40 }), (time, horizonDays) => {
        const task = taskWith([leak], horizonDays);
        const state = fold(planOf([task]), [
          makeEvent('contract.ended', 'transactional', time, { left: true }),
        ]);
        const { label, asOf } = labelOf(state, task);
        expect(label).toBe(1);
        expect(asOf).toBe(time - horizonDays * DAY);
        expect([...featureRow(state, task, asOf!, ALL)]).toEqual([0, 0]);
      }),
    );
  });

  it('count both ends of a window', () => {
    const count: Feature = {
      name: 'n',
      category: 'behavioral',
      event: 'visit',
      aggregate: { kind: 'count' },
      windowDays: 7,
      transform: { kind: 'scale', bounds: [0, 10], curve: 'linear', indicator: false },
    };
    const at = (day: number, millis: number): CustomerEvent =>
      makeEvent('visit', 'behavioral', day * DAY + millis);
    const day = TODAY - 20;
    const state = fold(planOf([taskWith([count])]), [
      at(day - 8, DAY - 1), // out, by a millisecond
      at(day - 7, 0), // in
      at(day, DAY - 1), // in, the last millisecond of the reference day
      at(day + 1, 0), // out
    ]);
    expect(aggregateValue(state, count, day)).toBe(2);
    expect(aggregateValue(state, count, day - 1)).toBe(2);
    expect(aggregateValue(state, count, day + 1)).toBe(2);
    expect(aggregateValue(state, count, day + 8)).toBe(1);
    expect(aggregateValue(state, count, day + 9)).toBe(0);
  });

  it('take the decay of 40 half-lives into account and nothing older', () => {
    const decayed: Feature = {
      name: 'd',
      category: 'transactional',
      event: 'order',
      attribute: 'amount',
      aggregate: { kind: 'decayed', halfLifeDays: 0.5 },
      transform: { kind: 'scale', bounds: [0, 10], curve: 'linear', indicator: false },
    };
    const state = fold(planOf([taskWith([decayed])]), [
      makeEvent('order', 'transactional', (TODAY - 20) * DAY, { amount: 2 ** 40 }),
      makeEvent('order', 'transactional', (TODAY - 21) * DAY, { amount: 2 ** 42 }),
      makeEvent('order', 'transactional', TODAY * DAY, { amount: 4 }),
    ]);
    expect(aggregateValue(state, decayed, TODAY)).toBe(5);
  });

  it('count at most 64 different values', () => {
    const distinct: Feature = {
      name: 'd',
      category: 'transactional',
      event: 'order',
      attribute: 'sku',
      aggregate: { kind: 'distinct' },
      transform: { kind: 'scale', bounds: [0, 64], curve: 'linear', indicator: false },
    };
    const events = Array.from({ length: 200 }, (_, i) =>
      makeEvent('order', 'transactional', NOW - (i % 9) * DAY, { sku: `sku-${i % 100}` }),
    );
    expect(aggregateValue(fold(planOf([taskWith([distinct])]), events), distinct, TODAY)).toBe(64);
    expect(aggregateValue(fold(planOf([taskWith([distinct])]), events.slice(0, 50)), distinct, TODAY)).toBe(
      50,
    );
  });

  it('are 0 for a category that is not allowed, whatever was seen', () => {
    const task = makeTask();
    const state = fold(planOf([task]), [
      makeEvent('visit', 'behavioral', NOW),
      makeEvent('order', 'transactional', NOW, { amount: 50 }),
      makeEvent('attribute.set', 'transactional', NOW, { plan: 'plus' }),
    ]);
    const all = featureRow(state, task, NOW, ALL);
    const less = featureRow(state, task, NOW, new Set<Category>(['transactional']));
    expect([...all.slice(0, 3)]).toEqual([0, 1, 0]);
    expect(all[3]).toBeCloseTo((2 * Math.log1p(50)) / Math.log1p(200) - 1, 6);
    expect(all[4]).toBeCloseTo(-0.9, 6);
    expect(all[5]).toBe(1);
    expect([...less]).toEqual([...all.slice(0, 4), 0, 0]);
  });

  it('keep nothing that no task names', () => {
    const events = [
      makeEvent('visit', 'behavioral', NOW, { secret: 'CANARY-1', page: 'x' }),
      makeEvent('order', 'transactional', NOW, { amount: 50, iban: 'CANARY-2' }),
      makeEvent('diary', 'psychographic', NOW, { text: 'CANARY-3' }),
      makeEvent('visit', 'transactional', NOW, { secret: 'CANARY-4' }),
    ];
    const text = Buffer.from(encodeFeatures(fold(planOf([makeTask()]), events))).toString();
    expect(text).not.toContain('CANARY');
    expect(text).toContain('50');
  });

  it('fold days away once no task can ask for them, and refuse to read them', () => {
    const task = makeTask();
    const plan = planOf([task]);
    const visits = Array.from({ length: 300 }, (_, i) => makeEvent('visit', 'behavioral', NOW - i * DAY));
    const unlabelled = encodeFeatures(fold(plan, visits));
    const label = makeEvent('contract.ended', 'transactional', NOW, { left: false });
    const labelled = encodeFeatures(fold(plan, [...visits, label]));
    expect(unlabelled.length).toBeGreaterThan(300 * 10);
    expect(labelled.length).toBeLessThan(unlabelled.length / 3);
    const state = decodeFeatures(labelled, plan);
    expect(labelOf(state, task).label).toBe(0);
    expect(featureRow(state, task, NOW - 30 * DAY, ALL)[4]).toBe(1);
    expect(() => featureRow(state, task, NOW - 31 * DAY, ALL)).toThrowError(
      expect.objectContaining({ code: 'features/not-kept' }),
    );
    // An event of a day that was folded away leaves nothing behind where no feature looks back over all time.
    const before = Buffer.from(encodeFeatures(state));
    applyEvent(state, admitted(makeEvent('visit', 'behavioral', NOW - 200 * DAY)));
    expect(before.equals(encodeFeatures(state))).toBe(true);
  });

  it('give a twin that never gets a label no more than about three years of days', () => {
    const plan = planOf([makeTask()]);
    const visits = Array.from({ length: 3_000 }, (_, i) => makeEvent('visit', 'behavioral', NOW - i * DAY));
    const state = decodeFeatures(encodeFeatures(fold(plan, visits)), plan);
    const days = state.sources.map((source) => source.days.size);
    expect(Math.max(...days)).toBe(1_100 + 30 + 1);
    expect(featureRow(state, makeTask(), NOW, ALL)[5]).toBe(1);
  });

  it('refuse bytes of another plan, and bytes that are none', () => {
    const plan = planOf([makeTask()]);
    const other = planOf([taskWith([makeTask().features[0]!])]);
    const bytes = encodeFeatures(createFeatureState(plan));
    expect(() => decodeFeatures(bytes, other)).toThrowError(
      expect.objectContaining({ code: 'features/other-plan' }),
    );
    expect(() => decodeFeatures(bytes.slice(1), plan)).toThrowError(
      expect.objectContaining({ code: 'features/unreadable' }),
    );
    expect(
      planOf(
        [makeTask(), taskWith([makeTask().features[0]!])].map((task, i) => ({ ...task, taskId: `t${i}` })),
      ).id,
    ).toBe(
      planOf(
        [makeTask(), taskWith([makeTask().features[0]!])]
          .map((task, i) => ({ ...task, taskId: `t${i}` }))
          .toReversed(),
      ).id,
    );
  });

  it('read what an event carries, not what every object has', () => {
    const inherited: Feature = {
      name: 'x',
      category: 'transactional',
      event: 'order',
      attribute: 'toString',
      aggregate: { kind: 'distinct' },
      transform: { kind: 'scale', bounds: [0, 1], curve: 'linear', indicator: false },
    };
    const state = fold(planOf([taskWith([inherited])]), [makeEvent('order', 'transactional', NOW)]);
    expect(aggregateValue(state, inherited, TODAY)).toBe(0);
  });

  it('survive numbers whose sum is beyond all numbers', () => {
    const task = makeTask();
    const plan = planOf([task]);
    const events = [1e308, 1e308, 1e308].map((amount) =>
      makeEvent('order', 'transactional', NOW, { amount }),
    );
    const state = decodeFeatures(encodeFeatures(fold(plan, events)), plan);
    const row = featureRow(state, task, NOW, ALL);
    expect(row.every(Number.isFinite)).toBe(true);
    expect(row[3]).toBe(1);
  });

  it('are unchanged by an event that is recorded twice', async () => {
    const store = createMemoryTwinStore();
    await store.addTwin(SUBJECT, []);
    await store.appendConsents(SUBJECT, 0, makeChain(SUBJECT, [{ type: 'grant', index: 0 }]));
    const deps = { store, plan: planOf([makeTask()]), policy: POLICY, clock: () => NOW };
    const event = makeEvent('order', 'transactional', NOW - DAY, { amount: 10 });
    expect((await recordEvents(deps, SUBJECT, [event, event])).fresh).toBe(1);
    const before = (await store.readTwins([SUBJECT]))[0]?.features;
    expect((await recordEvents(deps, SUBJECT, [event])).fresh).toBe(0);
    expect((await store.readTwins([SUBJECT]))[0]?.features).toEqual(before);
  });
});
