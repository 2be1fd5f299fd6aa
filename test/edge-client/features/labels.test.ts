import {
  applyEvent,
  createFeatureState,
  decodeFeatures,
  encodeFeatures,
  labelOf,
  planOf,
} from '@twinkeep/edge-client/fleet';
import type { CustomerEvent } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { admitted, DAY, makeEvent, makeTask, NOW } from '../fixtures.ts';
import { fold } from './arbitraries.ts';

describe('labels', () => {
  const task = makeTask();
  const plan = planOf([task]);
  const ended = (time: number, left: boolean | string): CustomerEvent =>
    makeEvent('contract.ended', 'transactional', time, { left });

  it('come from the latest event, and the greater of simultaneous ones', () => {
    const events = [ended(NOW - DAY, true), ended(NOW - 3 * DAY, false), ended(NOW - DAY, false)];
    for (const order of [events, events.toReversed()]) expect(labelOf(fold(plan, order), task).label).toBe(1);
  });

  it('are missing without an event, for another category, and for a value that the task does not name', () => {
    const none = labelOf(createFeatureState(plan), task);
    expect(none).toEqual({ label: Number.NaN, asOf: null });
    const foreign = fold(plan, [makeEvent('contract.ended', 'feedback', NOW, { left: true })]);
    expect(labelOf(foreign, task).asOf).toBeNull();
    const unnamed = labelOf(fold(plan, [ended(NOW, 'perhaps')]), task);
    expect(unnamed).toEqual({ label: Number.NaN, asOf: NOW - 30 * DAY });
  });

  it('are missing for a day whose features are no longer kept', () => {
    const visits = Array.from({ length: 1_300 }, (_, i) => makeEvent('visit', 'behavioral', NOW - i * DAY));
    const state = decodeFeatures(encodeFeatures(fold(plan, visits)), plan);
    applyEvent(state, admitted(ended(NOW - 1_250 * DAY, true)));
    expect(labelOf(state, task)).toEqual({ label: Number.NaN, asOf: NOW - 1_280 * DAY });
    applyEvent(state, admitted(ended(NOW - 1_000 * DAY, true)));
    expect(labelOf(state, task).label).toBe(1);
  });

  it('of a task that the plan does not have are an error', () => {
    expect(() => labelOf(createFeatureState(plan), makeTask({ taskId: 'other' }))).toThrowError(
      expect.objectContaining({ code: 'features/not-planned' }),
    );
  });
});
