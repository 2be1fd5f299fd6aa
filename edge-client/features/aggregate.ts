/** One feature's value as of a day, from the summaries of its source. Definitions: `Aggregate` of the protocol. */
import type { AttributeValue, Feature } from '@twinkeep/protocol';
import { FeatureError } from './errors.ts';
import { lookBack, sourceKey, type Source } from './plan.ts';
import { dayOf, type FeatureState, type SourceState } from './state.ts';
import { emptySummary, mergeSummary, type Summary } from './summary.ts';

/**
 * @param day days since 1970; events of later days are not seen
 * @returns null where the value is missing
 * @throws FeatureError 'features/not-planned', 'features/not-kept'
 */
export function aggregateValue(state: FeatureState, feature: Feature, day: number): AttributeValue | null {
  const index = state.plan.sourceIndex.get(sourceKey(feature));
  if (index === undefined)
    throw new FeatureError('features/not-planned', `feature ${feature.name} is not in the plan`);
  const source = state.plan.sources[index] as Source;
  const kept = state.sources[index] as SourceState;
  const days = lookBack(feature);
  const first = days === null ? -Infinity : day - days;
  requireKept(kept, first, day);
  const { aggregate } = feature;
  if (aggregate.kind === 'trend') return trend(daysBetween(kept, first, day));
  if (aggregate.kind === 'decayed')
    return decayed(daysBetween(kept, first, day), day, aggregate.halfLifeDays);

  const total = emptySummary(source);
  if (days === null && kept.tail !== null) mergeSummary(total, kept.tail);
  for (const [, summary] of daysBetween(kept, first, day)) mergeSummary(total, summary);
  switch (aggregate.kind) {
    case 'count':
      return total.count;
    case 'distinct':
      return total.distinct.length;
    case 'sum':
      return total.sum;
    case 'mean':
      return total.numbers === 0 ? null : total.sum / total.numbers;
    case 'min':
      return total.numbers === 0 ? null : total.min;
    case 'max':
      return total.numbers === 0 ? null : total.max;
    case 'last':
      return total.last;
    case 'recency':
      return total.count === 0 ? null : day - dayOf(total.lastTime);
    case 'ratio':
      return total.count === 0
        ? null
        : (total.equal[source.equals.indexOf(aggregate.equals)] ?? 0) / total.count;
  }
}

/** Whether every feature can still be read as of this day. */
export function isKept(state: FeatureState, features: readonly Feature[], day: number): boolean {
  return features.every((feature) => {
    const kept = state.sources[state.plan.sourceIndex.get(sourceKey(feature)) ?? -1];
    const days = lookBack(feature);
    return kept !== undefined && reaches(kept, days === null ? -Infinity : day - days, day);
  });
}

function requireKept(kept: SourceState, first: number, day: number): void {
  if (!reaches(kept, first, day))
    throw new FeatureError('features/not-kept', 'what this day needs is no longer kept by the day');
}

/** A window must lie in the kept days; all time may begin in the tail, if the tail ends by `day`. */
function reaches(kept: SourceState, first: number, day: number): boolean {
  return first === -Infinity ? day >= kept.keptFrom - 1 : first >= kept.keptFrom;
}

function daysBetween(kept: SourceState, first: number, last: number): [day: number, summary: Summary][] {
  return [...kept.days].filter(([day]) => day >= first && day <= last);
}

/** Least-squares slope of the values over the days they came on; null for fewer than two days. */
function trend(days: readonly [number, Summary][]): number | null {
  const origin = days[0]?.[0] ?? 0;
  let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  for (const [day, { numbers, sum }] of days) {
    const x = day - origin;
    n += numbers;
    sumX += numbers * x;
    sumY += sum;
    sumXX += numbers * x * x;
    sumXY += x * sum;
  }
  const spread = n * sumXX - sumX * sumX;
  return spread > 0 ? (n * sumXY - sumX * sumY) / spread : null;
}

function decayed(days: readonly [number, Summary][], today: number, halfLifeDays: number): number {
  return days.reduce((total, [day, { sum }]) => total + sum * 2 ** (-(today - day) / halfLifeDays), 0);
}
