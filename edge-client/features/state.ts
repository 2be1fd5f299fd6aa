/**
 * The features of one twin as they grow event by event: for each source of the plan one summary per day, so that every aggregate can
 * be read as of a past day. `compactFeatures` folds days that no task can ask for any more into one summary.
 */
import { DAY_MILLIS } from '@twinkeep/consent';
import type { AttributeValue, CustomerEvent } from '@twinkeep/protocol';
import type { AdmittedEvent } from '../admit.ts';
import { eventKey, type FeaturePlan, type LabelSource, type Source } from './plan.ts';
import { addValue, emptySummary, isLater, mergeSummary, type Summary } from './summary.ts';

export interface SourceState {
  /** By day since 1970; all from `keptFrom` on. */
  days: Map<number, Summary>;
  /** First day that is kept by itself; -Infinity as long as all are. */
  keptFrom: number;
  /** All events before `keptFrom`, where some feature looks back over all time. */
  tail: Summary | null;
}

/** The latest event that says what a task wants to predict. */
export interface LabelState {
  time: number;
  value: AttributeValue;
}

export interface FeatureState {
  readonly plan: FeaturePlan;
  /** In the order of `plan.sources`. */
  readonly sources: SourceState[];
  /** In the order of `plan.labels`. */
  readonly labels: (LabelState | null)[];
  /** Newest day of any event; -Infinity before the first. */
  lastDay: number;
}

/** Days that are kept before the newest one where no label has come: bounds the state of a twin that never gets one. */
export const MAX_KEPT_DAYS = 1_100;

export function createFeatureState(plan: FeaturePlan): FeatureState {
  return {
    plan,
    sources: plan.sources.map(() => ({ days: new Map(), keptFrom: -Infinity, tail: null })),
    labels: plan.labels.map(() => null),
    lastDay: -Infinity,
  };
}

/** Takes one event in, in place, in time independent of how many came before. The caller has dropped duplicate ids. */
export function applyEvent(state: FeatureState, { event }: AdmittedEvent): void {
  const { plan } = state;
  const feeds = plan.fedBy.get(eventKey({ category: event.category, event: event.type }));
  if (feeds === undefined) return;
  const time = Date.parse(event.time);
  const day = dayOf(time);
  state.lastDay = Math.max(state.lastDay, day);
  for (const index of feeds.sources) {
    const source = plan.sources[index] as Source;
    const value = source.attribute === null ? null : attributeOf(event, source.attribute);
    if (value === undefined) continue;
    const summary = summaryFor(state.sources[index] as SourceState, source, day);
    if (summary !== null) addValue(summary, source, value, time);
  }
  for (const index of feeds.labels) {
    const value = attributeOf(event, (plan.labels[index] as LabelSource).attribute);
    const known = state.labels[index];
    if (value === undefined) continue;
    if (!known || isLater(value, time, known.value, known.time)) state.labels[index] = { time, value };
  }
}

/**
 * Folds what no task can ask for any more, in place. A task reads as of its label's day less the horizon; a later label can only
 * move that day on, so days before every task's window are needed at most as a part of all time. A task without a label may
 * still get one for any day, so it holds everything, up to MAX_KEPT_DAYS.
 */
export function compactFeatures(state: FeatureState): void {
  const { plan } = state;
  const reads = plan.labels.map(({ horizonDays }, i) => {
    const label = state.labels[i];
    return label ? dayOf(label.time) - horizonDays : -Infinity;
  });
  const firstRead = Math.max(Math.min(...reads), state.lastDay - MAX_KEPT_DAYS);
  if (!Number.isFinite(firstRead)) return;
  plan.sources.forEach((source, index) =>
    foldDaysBefore(state.sources[index] as SourceState, source, firstRead - source.windowDays),
  );
}

/** Days since 1970-01-01 UTC of a time in milliseconds. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MILLIS);
}

/** A task names attributes, so it may name `toString`: only what the event itself carries counts. */
function attributeOf({ data }: CustomerEvent, attribute: string): AttributeValue | undefined {
  return Object.hasOwn(data, attribute) ? data[attribute] : undefined;
}

function summaryFor(kept: SourceState, source: Source, day: number): Summary | null {
  if (day < kept.keptFrom) return source.allTime ? (kept.tail ??= emptySummary(source)) : null;
  const known = kept.days.get(day);
  if (known !== undefined) return known;
  const created = emptySummary(source);
  kept.days.set(day, created);
  return created;
}

function foldDaysBefore(kept: SourceState, source: Source, day: number): void {
  if (day <= kept.keptFrom) return;
  for (const [past, summary] of kept.days) {
    if (past >= day) continue;
    if (source.allTime) mergeSummary((kept.tail ??= emptySummary(source)), summary);
    kept.days.delete(past);
  }
  kept.keptFrom = day;
}
