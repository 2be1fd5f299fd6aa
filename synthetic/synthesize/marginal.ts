/** One column of a copula: its own distribution as read off the data, laid out on (0, 1); missing values come first. */
import { normalQuantile } from '../elementary.ts';
import { SyntheticError } from '../error.ts';
import type { Column } from '../table.ts';
import { missingShare, presentValues } from '../evaluate/marginal.ts';
import type { Condition } from './codec.ts';
import { normalDensity } from './normal.ts';

export type CopulaMarginal =
  /** From the most frequent word on; shares of the rows that have one. */
  | { kind: 'category'; name: string; missing: number; words: string[]; shares: number[] }
  /** Ascending, evenly spaced in rank; values in between are interpolated, equal neighbours are an atom. */
  | { kind: 'number' | 'date'; name: string; missing: number; quantiles: number[]; step: number | null };

const MAX_QUANTILES = 2_001;

export function fitMarginal(column: Column, step: number | null): CopulaMarginal {
  const { name } = column;
  const missing = missingShare(column);
  if (column.kind !== 'category') {
    const present = presentValues(column.values);
    const points = Math.min(MAX_QUANTILES, present.length);
    const quantiles = Array.from({ length: points }, (_, i) => {
      const place = points === 1 ? 0 : Math.round((i * (present.length - 1)) / (points - 1));
      return present[place] as number;
    });
    return { kind: column.kind, name, missing, quantiles, step };
  }
  const counts = new Map<number, number>();
  for (const code of column.codes) if (code >= 0) counts.set(code, (counts.get(code) ?? 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const present = order.reduce((sum, [, count]) => sum + count, 0);
  return {
    kind: 'category',
    name,
    missing,
    words: order.map(([code]) => column.words[code] as string),
    shares: order.map(([, count]) => count / present),
  };
}

/** Per row the mean of the standard normal over the part of (0, 1) that the row's value takes: 0 on average. */
export function normalScores(column: Column, marginal: CopulaMarginal): Float64Array {
  const { missing } = marginal;
  const ofMissing = meanNormal(0, missing);
  if (column.kind === 'category' && marginal.kind === 'category') {
    const byWord = new Map<string, number>();
    let from = missing;
    for (const [i, word] of marginal.words.entries()) {
      const to = from + (1 - missing) * (marginal.shares[i] as number);
      byWord.set(word, meanNormal(from, to));
      from = to;
    }
    return Float64Array.from(column.codes, (code) =>
      code < 0 ? ofMissing : (byWord.get(column.words[code] as string) as number),
    );
  }
  if (column.kind === 'category') throw new RangeError(`${column.name} is of another kind in its marginal`);
  const { values } = column;
  const order = [...values.keys()]
    .filter((row) => !Number.isNaN(values[row]))
    .sort((a, b) => (values[a] as number) - (values[b] as number));
  const scores = new Float64Array(values.length).fill(ofMissing);
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && values[order[end] as number] === values[order[i] as number]) end++;
    const place = (rank: number): number => missing + ((1 - missing) * rank) / order.length;
    const score = meanNormal(place(i), place(end));
    for (; i < end; i++) scores[order[i] as number] = score;
  }
  return scores;
}

/** E[N | P(N <= N) in (from, to)]. */
function meanNormal(from: number, to: number): number {
  if (!(to > from)) return 0;
  const density = (p: number): number => (p <= 0 || p >= 1 ? 0 : normalDensity(normalQuantile(p)));
  return (density(from) - density(to)) / (to - from);
}

/** The values at places in (0, 1). */
export function placesToColumn(
  marginal: CopulaMarginal,
  places: Float64Array,
  condition?: Condition,
): Column {
  const { name, missing } = marginal;
  const present = (place: number): number => Math.min(1, Math.max(0, (place - missing) / (1 - missing)));
  if (marginal.kind === 'category') {
    const { words, shares } = marginal;
    const codes = Int32Array.from(places, (place) => {
      if (place < missing || words.length === 0) return -1;
      let rest = present(place);
      let code = 0;
      while (code < words.length - 1 && rest >= (shares[code] as number)) rest -= shares[code++] as number;
      return code;
    });
    return { kind: 'category', name, words, codes };
  }
  const { kind, quantiles, step } = marginal;
  const values = Float64Array.from(places, (place) => {
    if (place < missing || quantiles.length === 0) return Number.NaN;
    if (condition !== undefined && 'is' in condition) return condition.is as number;
    const at = present(place) * (quantiles.length - 1);
    const [low, high] = [quantiles[Math.floor(at)] as number, quantiles[Math.ceil(at)] as number];
    const x = low + (high - low) * (at - Math.floor(at));
    const { min = -Infinity, max = Infinity } = condition ?? {};
    return Math.min(
      max,
      Math.max(min, step === null ? x : Number((Math.round(x / step) * step).toPrecision(15))),
    );
  });
  return { kind, name, values };
}

/** The part of (0, 1) that satisfies the condition; from = to for a value between others. @throws SyntheticError */
export function conditionToPlaces(marginal: CopulaMarginal, condition: Condition): [number, number] {
  const { name, missing } = marginal;
  const never = new SyntheticError('synthetic/unsatisfiable', `never is ${JSON.stringify(condition)}`, {
    column: name,
  });
  const whole = (share: number): number => missing + (1 - missing) * share;
  if ('is' in condition && condition.is === null) {
    if (missing === 0) throw never;
    return [0, missing];
  }
  if (marginal.kind === 'category') {
    if (!('is' in condition))
      throw new SyntheticError('synthetic/unsatisfiable', 'has no bounds', { column: name });
    const code = marginal.words.indexOf(String(condition.is));
    if (code < 0) throw never;
    const from = marginal.shares.slice(0, code).reduce((sum, share) => sum + share, 0);
    return [whole(from), whole(from + (marginal.shares[code] as number))];
  }
  const { quantiles } = marginal;
  const { min, max } =
    'is' in condition ? { min: Number(condition.is), max: Number(condition.is) } : condition;
  const [first, last] = [quantiles[0] as number, quantiles.at(-1) as number];
  if (
    quantiles.length === 0 ||
    (min ?? first) > last ||
    (max ?? last) < first ||
    (min ?? first) > (max ?? last)
  )
    throw never;
  return [whole(rankOf(quantiles, min ?? first, 'below')), whole(rankOf(quantiles, max ?? last, 'above'))];
}

/** Share of the ranks below a value, its own atom included or not. */
function rankOf(quantiles: readonly number[], x: number, side: 'below' | 'above'): number {
  if (quantiles.length === 1) return side === 'below' ? 0 : 1;
  const first = quantiles.findIndex((quantile) => quantile >= x);
  const after = quantiles.findIndex((quantile) => quantile > x);
  const steps = quantiles.length - 1;
  if (first < 0) return 1;
  if (quantiles[first] === x) {
    // An atom takes the ranks between its first and its last point; a single point is a place.
    return (side === 'below' ? first : (after < 0 ? quantiles.length : after) - 1) / steps;
  }
  if (first === 0) return 0;
  const low = quantiles[first - 1] as number;
  return (first - 1 + (x - low) / ((quantiles[first] as number) - low)) / steps;
}
