/**
 * What a twin keeps of its events, and no more: a plan is the union of what the live tasks name. An event that no task names
 * leaves no trace in the features.
 */
import { bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';
import type { Category } from '@twinkeep/consent';
import { DECAY_HALF_LIVES, type AttributeValue, type Feature, type TaskSpec } from '@twinkeep/protocol';

/** One attribute of the events of one type and category, or the events themselves, and what is asked of it. */
export interface Source {
  category: Category;
  event: string;
  attribute: string | null;
  /** Different values are counted. */
  distinct: boolean;
  /** Values whose share is asked. */
  equals: AttributeValue[];
  /** Longest window in days; -1 where no feature has one. */
  windowDays: number;
  /** Some feature looks back over all time. */
  allTime: boolean;
}

export interface LabelSource {
  taskId: string;
  category: Category;
  event: string;
  attribute: string;
  horizonDays: number;
}

export interface FeaturePlan {
  /** Two plans that keep the same have one id. */
  readonly id: string;
  readonly sources: readonly Source[];
  readonly labels: readonly LabelSource[];
  /** `sourceKey` -> index into `sources`. */
  readonly sourceIndex: ReadonlyMap<string, number>;
  /** `eventKey` -> indices of the sources and labels that such an event feeds. */
  readonly fedBy: ReadonlyMap<string, { sources: number[]; labels: number[] }>;
}

/** @param tasks live tasks, in any order, with distinct ids */
export function planOf(tasks: readonly TaskSpec[]): FeaturePlan {
  const found = new Map<string, Source>();
  for (const feature of tasks.flatMap((task) => task.features)) {
    const key = sourceKey(feature);
    found.set(key, demand(found.get(key) ?? createSource(feature), feature));
  }
  const keys = [...found.keys()].sort();
  const sources = keys.map((key) => found.get(key) as Source);
  const labels = tasks
    .map(({ taskId, label: { category, event, attribute, horizonDays } }) => ({
      taskId,
      category,
      event,
      attribute,
      horizonDays,
    }))
    .sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
  return {
    id: bytesToBase64Url(sha256(canonicalBytes({ sources, labels }))),
    sources,
    labels,
    sourceIndex: new Map(keys.map((key, index) => [key, index])),
    fedBy: indexEvents(sources, labels),
  };
}

export function sourceKey({
  category,
  event,
  attribute,
}: Pick<Feature, 'category' | 'event' | 'attribute'>): string {
  return JSON.stringify([category, event, attribute ?? null]);
}

export function eventKey({ category, event }: { category: Category; event: string }): string {
  return JSON.stringify([category, event]);
}

/** How many days before its reference day a feature reads; null: all time. */
export function lookBack({ aggregate, windowDays }: Feature): number | null {
  if (aggregate.kind !== 'decayed') return windowDays ?? null;
  return Math.min(windowDays ?? Infinity, Math.ceil(DECAY_HALF_LIVES * aggregate.halfLifeDays));
}

function createSource({ category, event, attribute }: Feature): Source {
  return {
    category,
    event,
    attribute: attribute ?? null,
    distinct: false,
    equals: [],
    windowDays: -1,
    allTime: false,
  };
}

function demand(source: Source, feature: Feature): Source {
  const days = lookBack(feature);
  const { aggregate } = feature;
  const asked = aggregate.kind === 'ratio' ? [...source.equals, aggregate.equals] : source.equals;
  return {
    ...source,
    distinct: source.distinct || aggregate.kind === 'distinct',
    equals: [...new Set(asked)].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    windowDays: Math.max(source.windowDays, days ?? -1),
    allTime: source.allTime || days === null,
  };
}

function indexEvents(sources: readonly Source[], labels: readonly LabelSource[]): FeaturePlan['fedBy'] {
  const fedBy = new Map<string, { sources: number[]; labels: number[] }>();
  const entry = (key: string): { sources: number[]; labels: number[] } => {
    const known = fedBy.get(key) ?? { sources: [], labels: [] };
    fedBy.set(key, known);
    return known;
  };
  sources.forEach((source, index) => entry(eventKey(source)).sources.push(index));
  labels.forEach((label, index) => entry(eventKey(label)).labels.push(index));
  return fedBy;
}
