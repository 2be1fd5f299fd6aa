/**
 * Feature states as bytes: JSON with one array per summary. The bytes come back from the twin's own encrypted store, so their form is
 * checked only as far as a version or a plan may have changed.
 */
import { bytesToUtf8, utf8ToBytes } from '@twinkeep/audit';
import type { AttributeValue } from '@twinkeep/protocol';
import { FeatureError } from './errors.ts';
import type { FeaturePlan, Source } from './plan.ts';
import { compactFeatures, type FeatureState, type LabelState, type SourceState } from './state.ts';
import { emptySummary, type Summary } from './summary.ts';

const VERSION = 1;

/** [count, lastTime, last, numbers, sum, min, max, distinct, equal]; cut after the last one that says something. */
type Packed = [
  count: number,
  lastTime: number,
  last: AttributeValue | null,
  numbers?: number,
  sum?: number,
  min?: number,
  max?: number,
  distinct?: string[],
  equal?: number[],
];

interface PackedSource {
  /** Null: all days are kept. */
  from: number | null;
  tail: Packed | null;
  days: [day: number, packed: Packed][];
}

interface PackedState {
  v: number;
  plan: string;
  lastDay: number | null;
  labels: (LabelState | null)[];
  sources: PackedSource[];
}

/** Folds old days first, so what is stored never grows beyond what some task can ask for. */
export function encodeFeatures(state: FeatureState): Uint8Array {
  compactFeatures(state);
  const packed: PackedState = {
    v: VERSION,
    plan: state.plan.id,
    lastDay: finiteOrNull(state.lastDay),
    labels: state.labels,
    sources: state.sources.map(({ keptFrom, tail, days }) => ({
      from: finiteOrNull(keptFrom),
      tail: tail && pack(tail),
      days: [...days].sort(([a], [b]) => a - b).map(([day, summary]) => [day, pack(summary)]),
    })),
  };
  return utf8ToBytes(JSON.stringify(packed));
}

/** @throws FeatureError 'features/other-plan', 'features/unreadable' */
export function decodeFeatures(bytes: Uint8Array, plan: FeaturePlan): FeatureState {
  const packed = parseState(bytes);
  if (packed.v !== VERSION || packed.plan !== plan.id)
    throw new FeatureError('features/other-plan', 'the features were kept for another plan');
  return {
    plan,
    lastDay: packed.lastDay ?? -Infinity,
    labels: packed.labels,
    sources: packed.sources.map(({ from, tail, days }, index): SourceState => {
      const source = plan.sources[index] as Source;
      return {
        keptFrom: from ?? -Infinity,
        tail: tail && unpack(tail, source),
        days: new Map(days.map(([day, summary]) => [day, unpack(summary, source)])),
      };
    }),
  };
}

function parseState(bytes: Uint8Array): PackedState {
  try {
    return JSON.parse(bytesToUtf8(bytes)) as PackedState;
  } catch (cause) {
    throw new FeatureError('features/unreadable', 'the features are not as this version writes them', {
      cause,
    });
  }
}

function pack({ count, lastTime, last, numbers, sum, min, max, distinct, equal }: Summary): Packed {
  if (equal.length > 0) return [count, lastTime, last, numbers, sum, min, max, distinct, equal];
  if (distinct.length > 0) return [count, lastTime, last, numbers, sum, min, max, distinct];
  if (numbers > 0) return [count, lastTime, last, numbers, sum, min, max];
  return [count, lastTime, last];
}

function unpack(packed: Packed, source: Source): Summary {
  const empty = emptySummary(source);
  const [count, lastTime, last, numbers = 0, sum = 0, min, max, distinct = [], equal = empty.equal] = packed;
  // JSON has no infinity: a summary without a number is the empty one's bounds again.
  const bounds = numbers > 0 ? { min: min as number, max: max as number } : {};
  return { ...empty, count, lastTime, last, numbers, sum, ...bounds, distinct, equal };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
