/** Every aggregate again, straight from its definition and over the raw events, to compare the incremental ones with. */
import type { AttributeValue, CustomerEvent, Feature } from '@twinkeep/protocol';

const DAY = 86_400_000;

interface Sample {
  day: number;
  time: number;
  value: AttributeValue | null;
}

export function bruteForce(
  events: readonly CustomerEvent[],
  feature: Feature,
  day: number,
): AttributeValue | null {
  const { aggregate } = feature;
  const samples = samplesOf(events, feature).filter(
    (sample) => sample.day <= day && day - sample.day <= (feature.windowDays ?? Infinity),
  );
  const numbers = samples.flatMap(({ value }) =>
    typeof value === 'number' || typeof value === 'boolean' ? [Number(value)] : [],
  );
  const numeric = samples.filter(({ value }) => typeof value === 'number' || typeof value === 'boolean');
  switch (aggregate.kind) {
    case 'count':
      return samples.length;
    case 'sum':
      return total(numbers);
    case 'mean':
      return numbers.length === 0 ? null : total(numbers) / numbers.length;
    case 'min':
      return numbers.length === 0 ? null : numbers.toSorted((a, b) => a - b)[0]!;
    case 'max':
      return numbers.length === 0 ? null : numbers.toSorted((a, b) => b - a)[0]!;
    case 'distinct':
      return Math.min(64, new Set(samples.map(({ value }) => value)).size);
    case 'last':
      return samples.toSorted(byTimeThenValue).at(-1)?.value ?? null;
    case 'recency':
      return samples.length === 0 ? null : day - Math.max(...samples.map((sample) => sample.day));
    case 'ratio':
      return samples.length === 0
        ? null
        : samples.filter(({ value }) => value === aggregate.equals).length / samples.length;
    case 'decayed':
      return total(
        numeric
          .filter((sample) => day - sample.day <= Math.ceil(40 * aggregate.halfLifeDays))
          .map((sample) => Number(sample.value) * 0.5 ** ((day - sample.day) / aggregate.halfLifeDays)),
      );
    case 'trend':
      return slope(numeric.map((sample) => [sample.day, Number(sample.value)]));
  }
}

function samplesOf(events: readonly CustomerEvent[], { category, event, attribute }: Feature): Sample[] {
  return events
    .filter((each) => each.category === category && each.type === event)
    .filter((each) => attribute === undefined || attribute in each.data)
    .map((each) => {
      const time = Date.parse(each.time);
      return {
        day: Math.floor(time / DAY),
        time,
        value: attribute === undefined ? null : each.data[attribute]!,
      };
    });
}

function byTimeThenValue(a: Sample, b: Sample): number {
  if (a.time !== b.time) return a.time - b.time;
  if (typeof a.value === 'number' && typeof b.value === 'number') return a.value - b.value;
  return JSON.stringify(a.value) < JSON.stringify(b.value) ? -1 : 1;
}

/** Of the line through centred points: another formula than the one under test. */
function slope(points: readonly (readonly [number, number])[]): number | null {
  const meanX = total(points.map(([x]) => x)) / points.length;
  const meanY = total(points.map(([, y]) => y)) / points.length;
  const spread = total(points.map(([x]) => (x - meanX) ** 2));
  return spread === 0 || points.length === 0
    ? null
    : total(points.map(([x, y]) => (x - meanX) * (y - meanY))) / spread;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
