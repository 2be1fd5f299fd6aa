/** How well scores tell 1 from 0, and intervals for shares and areas. */

/** Two-sided 95 %. */
const Z = 1.959963984540054;

export interface Interval {
  value: number;
  low: number;
  high: number;
}

/** Share of (1, 0) pairs in which the 1 scores higher, ties half (Mann-Whitney). 0.5 where there is only one class. */
export function areaUnderRoc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = ranked(scores);
  let [below, pairs] = [0, 0];
  for (let i = 0; i < order.length;) {
    let end = i;
    let ones = 0;
    for (; end < order.length && scores[order[end] as number] === scores[order[i] as number]; end++)
      ones += labels[order[end] as number] as number;
    const zeros = end - i - ones;
    pairs += ones * (below + zeros / 2);
    below += zeros;
    i = end;
  }
  const positives = labels.length - below;
  return below === 0 || positives === 0 ? 0.5 : pairs / (below * positives);
}

/** With the 95 % interval of Hanley and McNeil (1982). NaN bounds where there is only one class. */
export function areaInterval(scores: ArrayLike<number>, labels: ArrayLike<number>): Interval {
  const value = areaUnderRoc(scores, labels);
  let ones = 0;
  for (let i = 0; i < labels.length; i++) ones += labels[i] as number;
  const zeros = labels.length - ones;
  const [q1, q2] = [value / (2 - value), (2 * value * value) / (1 + value)];
  const variance =
    (value * (1 - value) + (ones - 1) * (q1 - value * value) + (zeros - 1) * (q2 - value * value)) /
    (ones * zeros);
  const error = Z * Math.sqrt(Math.max(0, variance));
  return { value, low: Math.max(0, value - error), high: Math.min(1, value + error) };
}

/** Average precision: the precision at every 1 down the ranking, ties taken together (the step form of scikit-learn). */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = ranked(scores).reverse();
  let [ones, sum] = [0, 0];
  for (let i = 0; i < order.length;) {
    let end = i;
    let here = 0;
    for (; end < order.length && scores[order[end] as number] === scores[order[i] as number]; end++)
      here += labels[order[end] as number] as number;
    ones += here;
    sum += here * (ones / end);
    i = end;
  }
  return ones === 0 ? Number.NaN : sum / ones;
}

/** Mean squared error of probabilities. */
export function brierScore(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += ((probabilities[i] as number) - (labels[i] as number)) ** 2;
  return sum / labels.length;
}

/** A share of `count` of `total` with Wilson's 95 % interval (1927). */
export function shareInterval(count: number, total: number): Interval {
  if (total === 0) return { value: Number.NaN, low: 0, high: 1 };
  const share = count / total;
  const spread = Z * Math.sqrt((share * (1 - share)) / total + (Z * Z) / (4 * total * total));
  const scale = 1 + (Z * Z) / total;
  const centre = share + (Z * Z) / (2 * total);
  return {
    value: share,
    low: Math.max(0, (centre - spread) / scale),
    high: Math.min(1, (centre + spread) / scale),
  };
}

/** A mean with its normal 95 % interval. */
export function meanInterval(values: readonly number[]): Interval {
  const value = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - value) * (x - value), 0);
  const error = values.length < 2 ? Infinity : Z * Math.sqrt(squares / (values.length - 1) / values.length);
  return { value, low: value - error, high: value + error };
}

/** Places by ascending score. */
function ranked(scores: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
}
