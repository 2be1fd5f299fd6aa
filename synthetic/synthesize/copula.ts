/**
 * Gaussian copula with empirical marginals: every column keeps the distribution that the data show, and the dependence of all is that of
 * correlated normals behind them. Fast, good at numbers, blind to what a correlation cannot say; and **not private**: its quantiles
 * are the data's.
 *
 * A value that many rows share (a word, an atom, missing) takes a part of the normal's line. Its score is the normal's mean there, and a
 * correlation of scores is divided by both variances: the first term of the tetrachoric series (Pearson 1900), without which
 * dependence between categories would come out too weak.
 */
import { uniform } from '../distributions.ts';
import { normalQuantile } from '../elementary.ts';
import { SyntheticError } from '../error.ts';
import { createRandomSource, type RandomStream } from '../prng.ts';
import { createTable, type Table } from '../table.ts';
import { correlation } from '../evaluate/pair.ts';
import {
  conditionToPlaces,
  fitMarginal,
  normalScores,
  placesToColumn,
  type CopulaMarginal,
} from './marginal.ts';
import { choleskyFactor, normalCdf, normalDensity } from './normal.ts';
import type { Conditions } from './sample-mst.ts';
import { schemaFromTable } from './derive.ts';
import { computedTotals, type TableSchema } from './schema.ts';

export interface CopulaModel {
  kind: 'copula';
  /** For its constraints, steps and the order of the columns. */
  schema: TableSchema;
  marginals: CopulaMarginal[];
  /** Of the normals behind the columns. */
  correlations: number[][];
  /** A copula promises nothing. */
  privacy: null;
}

/** `schema`: steps and constraints; default: read off the table. Its bins are not used. @throws SyntheticError 'synthetic/data' */
export function fitCopula(table: Table, schema: TableSchema = schemaFromTable(table)): CopulaModel {
  if (table.rows === 0) throw new SyntheticError('synthetic/data', 'the table has no rows');
  const totals = computedTotals(schema);
  const columns = schema.columns.filter(({ name }) => !totals.includes(name));
  const fitted = columns.map((wanted) => {
    const column = table.columns.find(({ name }) => name === wanted.name);
    if (column === undefined)
      throw new SyntheticError('synthetic/data', 'the table lacks it', { column: wanted.name });
    if ((column.kind === 'category') !== (wanted.kind === 'category'))
      throw new SyntheticError('synthetic/data', `is no ${wanted.kind}`, { column: wanted.name });
    const marginal = fitMarginal(column, wanted.kind === 'category' ? null : (wanted.step ?? null));
    const scores = normalScores(column, marginal);
    return { marginal, scores, variance: scores.reduce((sum, x) => sum + x * x, 0) / scores.length };
  });
  const raw = fitted.map((a, i) =>
    fitted.map((b, j) => {
      if (i === j) return 1;
      const found = correlation(a.scores, b.scores);
      // Scores have mean 0, so cov / (v_a v_b) = corr / sqrt(v_a v_b); constant columns have none.
      return Number.isNaN(found) ? 0 : clamp(found / Math.sqrt(a.variance * b.variance), 0.98);
    }),
  );
  return {
    kind: 'copula',
    schema,
    marginals: fitted.map(({ marginal }) => marginal),
    correlations: shrinkToPositive(raw),
    privacy: null,
  };
}

/** Towards independence, by hundredths, until it is a correlation matrix. */
function shrinkToPositive(matrix: number[][]): number[][] {
  for (let share = 0; share < 1; share += 0.01) {
    const shrunk = matrix.map((row, i) => row.map((x, j) => (i === j ? 1 : (1 - share) * x)));
    if (choleskyFactor(shrunk) !== null) return shrunk;
  }
  return matrix.map((row, i) => row.map((_, j) => Number(i === j)));
}

/** Candidates per row where several conditions hold at once. */
const CANDIDATES = 24;

/**
 * Rows without computed totals. With one condition the result is exact; with several, each row is the best-weighted of candidates (GHK
 * simulation with importance resampling), which is close to exact. @throws SyntheticError 'synthetic/unsatisfiable'
 */
export function sampleCopula(
  model: CopulaModel,
  rows: number,
  seed: number,
  conditions: Conditions = {},
): Table {
  const { marginals, correlations } = model;
  const stream = createRandomSource(seed).stream(0, 'copula');
  const conditioned = Object.entries(conditions).map(([name, condition]) => {
    const place = marginals.findIndex((marginal) => marginal.name === name);
    if (place < 0)
      throw new SyntheticError('synthetic/unsatisfiable', 'the model does not know it', { column: name });
    return { place, span: conditionToPlaces(marginals[place] as CopulaMarginal, condition) };
  });
  // Conditions first: then what is known comes before all that depends on it.
  const known = conditioned.map(({ place }) => place);
  const order = [...known, ...[...marginals.keys()].filter((place) => !known.includes(place))];
  const lower = choleskyFactor(
    order.map((i) => order.map((j) => correlations[i]![j] as number)),
  ) as number[][];
  const spans = conditioned.map(({ span }) => span);
  const places = marginals.map(() => new Float64Array(rows));
  for (let row = 0; row < rows; row++) {
    const noise = spans.length === 0 ? [] : drawGiven(lower, spans, stream);
    for (const [i, place] of order.entries()) {
      if (i >= noise.length) noise.push(normalQuantile(uniform(stream)));
      const weights = lower[i] as number[];
      let z = 0;
      for (let k = 0; k <= i; k++) z += (weights[k] as number) * (noise[k] as number);
      const span = spans[i];
      const p = normalCdf(z);
      places[place]![row] = span === undefined ? p : Math.min(Math.max(p, span[0]), keptBelow(span[1]));
    }
  }
  return createTable(
    marginals.map((marginal, i) =>
      placesToColumn(marginal, places[i] as Float64Array, conditions[marginal.name]),
    ),
  );
}

/** Rounding must not carry a place over the end of its span, where another word begins. */
function keptBelow(end: number): number {
  return end * (1 - 1e-12);
}

/** The independent normals of the first columns such that their places lie within the spans. */
function drawGiven(
  lower: readonly number[][],
  spans: readonly [number, number][],
  stream: RandomStream,
): number[] {
  const candidates = spans.length === 1 ? 1 : CANDIDATES;
  let best: number[] = [];
  let total = 0;
  for (let k = 0; k < candidates; k++) {
    const { noise, weight } = candidateGiven(lower, spans, stream);
    total += weight;
    // One of them with chances in proportion to their weights, without keeping all.
    if (best.length === 0 || uniform(stream) * total < weight) best = noise;
  }
  return best;
}

function candidateGiven(
  lower: readonly number[][],
  spans: readonly [number, number][],
  stream: RandomStream,
): { noise: number[]; weight: number } {
  const noise: number[] = [];
  let weight = 1;
  for (const [i, [from, to]] of spans.entries()) {
    const row = lower[i] as number[];
    const scale = row[i] as number;
    let shift = 0;
    for (let k = 0; k < i; k++) shift += (row[k] as number) * (noise[k] as number);
    const bound = (place: number): number =>
      (place <= 0 ? -40 : place >= 1 ? 40 : normalQuantile(place)) - shift;
    const [low, high] = [bound(from) / scale, bound(to) / scale];
    if (high - low < 1e-9) {
      noise.push(low);
      weight *= normalDensity(low);
      continue;
    }
    const [pLow, pHigh] = [normalCdf(low), normalCdf(high)];
    weight *= pHigh - pLow;
    const p = pLow + (pHigh - pLow) * uniform(stream);
    noise.push(p <= 0 ? low : p >= 1 ? high : normalQuantile(p));
  }
  return { noise, weight };
}

function clamp(x: number, bound: number): number {
  return Math.min(bound, Math.max(-bound, x));
}
