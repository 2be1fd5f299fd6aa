/**
 * The three steps of a synthesis, one round each, all of the same privacy cost. What a step counts follows from the task and from what the
 * steps before it published, noise included: whoever has both, a twin, an auditor, the maker of the synthesizer, gets the same list.
 *
 *   1. how many twins each label has, and the one-ways of all columns by label;
 *   2. these again, and all pairs of columns, each coarsened to at most four groups, over both labels: they choose a tree of pairs, those
 *      that are furthest from independent given the label;
 *   3. the pairs of the tree by label, after what noise drowns has been merged, without those that noise alone can explain.
 *
 * Only + - * / and square roots, which IEEE 754 rounds in one way. After the secure-sum variant of MST, synthetic research section 2.3.
 */
import { coarsen, mergeRare, type Cells, type Groups } from './groups.ts';
import { LABELS, marginalsLayout, type MarginalsSpec } from './spec.ts';
import { spanningTree, type Tree } from './tree.ts';
import {
  readOneWays,
  sharesBySize,
  sumOverLabels,
  TOTALS_SHARE,
  wayOffset,
  wayShares,
  WAYS_SHARES,
  type Counting,
} from './ways.ts';

/** Counts of one marginal. A twin adds to one cell of every part of its own label and of every part of both labels. */
export interface CountPart {
  /** Null: both labels. */
  label: number | null;
  /** None, one, or two columns. */
  columns: readonly number[];
  /** From a cell to its group, per column; null: the cells themselves. */
  maps: readonly (readonly number[] | null)[];
  /** Groups per column. Cells of the part are row-major, the first column outside. */
  sizes: readonly number[];
  /** Where its counts begin in the published vector. */
  at: number;
  /** Of the squared norm of a twin's report; those of one label, and those of both, add up to 1. */
  share: number;
}

export const COUNT_STEPS = 3;

/** @param step from 0; @param counts published after the steps before */
export function countParts(counting: Counting, counts: Float32Array, step: number): CountPart[] {
  if (step === 0) return [...totalParts(counting.spec), ...wayParts(counting, counts, 0)];
  if (step === 1) return [...wayParts(counting, counts, 1), ...coarseParts(counting, counts)];
  return pairParts(counting, counts);
}

function totalParts(spec: MarginalsSpec): CountPart[] {
  const { totals } = marginalsLayout(spec);
  return LABELS.map((label) => ({
    label,
    columns: [],
    maps: [],
    sizes: [],
    at: totals + label,
    share: TOTALS_SHARE,
  }));
}

function wayParts(counting: Counting, counts: Float32Array, step: 0 | 1): CountPart[] {
  const { spec } = counting;
  const from = marginalsLayout(spec).ways[step];
  const cells = spec.columns.map((column) => column.cells);
  const shares = wayShares(counting, counts, step);
  return LABELS.flatMap((label) =>
    cells.map((n, a) => ({
      label,
      columns: [a],
      maps: [null],
      sizes: [n],
      at: wayOffset(cells, from, label, a),
      share: shares[a] as number,
    })),
  );
}

function coarseParts(counting: Counting, counts: Float32Array): CountPart[] {
  const groups = coarseGroups(counting, counts);
  const pairs = groups.flatMap((_, a) => groups.slice(a + 1).map((__, i) => [a, a + 1 + i] as const));
  let at = marginalsLayout(counting.spec).coarse;
  return pairs.map(([a, b]) => {
    const [one, other] = [groups[a] as Groups, groups[b] as Groups];
    const part = pairPart(null, [a, b], [one, other], at, (1 - WAYS_SHARES[1]) / pairs.length);
    at += one.count * other.count;
    return part;
  });
}

function coarseGroups(counting: Counting, counts: Float32Array): Groups[] {
  const ways = readOneWays(counting, counts, 1);
  return columnsOf(counting.spec).map((column, a) => coarsen(column, sumOverLabels(ways, a)));
}

function columnsOf({ columns }: MarginalsSpec): Cells[] {
  return columns.map(({ cells, ordered }) => ({
    cells,
    bins: ordered ? { first: 0, last: cells - 2 } : null,
  }));
}

/** What is modelled of pairs. */
export interface PairModel {
  tree: Tree;
  /** By column: whether its pair with its parent is counted; if not, the two are taken to be independent given the label. */
  counted: boolean[];
  groups: Groups[];
}

/** So many standard deviations of noise further from independent than noise alone is, or a pair is not counted. */
const CLEARLY = 3;

/** @param counts published after two steps */
export function choosePairs(counting: Counting, counts: Float32Array): PairModel {
  const { spec, noise } = counting;
  const d = spec.columns.length;
  const scores = new Map(scorePairs(counting, counts).map((score) => [score.a * d + score.b, score]));
  const scoreOf = (a: number, b: number): Score => scores.get(Math.min(a, b) * d + Math.max(a, b)) as Score;
  const tree = spanningTree(d, (a, b) => scoreOf(a, b).distance);
  const clear = tree.parents.map((parent, a) => parent >= 0 && scoreOf(a, parent).clear);
  // A step that counts nothing would be lost: the pair that the tree begins with is counted in any case.
  const counted = clear.map((is, a) => is || a === tree.order[1]);
  const edges = counted.filter((is) => is).length;
  const ways = readOneWays(counting, counts, 2);
  const groups = columnsOf(spec).map((column, a) => {
    const variance = Math.max(LABELS.length / (ways.weights[a] as number), edges) * noise;
    return mergeRare(column, sumOverLabels(ways, a), Math.sqrt(variance));
  });
  return { tree, counted, groups };
}

interface Score {
  a: number;
  b: number;
  /** From independence given the label, in twins, less what noise alone makes of it. */
  distance: number;
  clear: boolean;
}

function scorePairs(counting: Counting, counts: Float32Array): Score[] {
  const ways = readOneWays(counting, counts, 2);
  const groups = coarseGroups(counting, counts);
  const shares = LABELS.map((label) =>
    groups.map((group, a) => positiveShares(groupSums(ways.counts[label]![a] as Float64Array, group))),
  );
  return coarseParts(counting, counts).map(({ columns, sizes, at, share }) => {
    const [a, b] = columns as [number, number];
    const [rows, width] = sizes as [number, number];
    let distance = 0;
    for (let cell = 0; cell < rows * width; cell++) {
      let expected = 0;
      for (const label of LABELS) {
        const [pa, pb] = [shares[label]![a] as Float64Array, shares[label]![b] as Float64Array];
        expected +=
          (ways.totals[label] as number) *
          (pa[Math.floor(cell / width)] as number) *
          (pb[cell % width] as number);
      }
      distance += Math.abs((counts[at + cell] as number) - expected);
    }
    // The mean and the variance of |x| for a normal x.
    const sigma = Math.sqrt(counting.noise / share);
    distance -= Math.sqrt(2 / Math.PI) * sigma * rows * width;
    return {
      a,
      b,
      distance,
      clear: distance > CLEARLY * sigma * Math.sqrt(rows * width * (1 - 2 / Math.PI)),
    };
  });
}

function pairParts(counting: Counting, counts: Float32Array): CountPart[] {
  const { tree, counted, groups } = choosePairs(counting, counts);
  const pairs = tree.parents.flatMap((parent, a) => (counted[a] === true ? [[parent, a] as const] : []));
  const of = (column: number): Groups => groups[column] as Groups;
  const sizes = pairs.map(([parent, a]) => of(parent).count * of(a).count);
  const shares = sharesBySize(sizes, 1);
  let at = marginalsLayout(counting.spec).pairs;
  return LABELS.flatMap((label) =>
    pairs.map((pair, i) => {
      const part = pairPart(label, pair, [of(pair[0]), of(pair[1])], at, shares[i] as number);
      at += sizes[i] as number;
      return part;
    }),
  );
}

function pairPart(
  label: number | null,
  columns: readonly [number, number],
  groups: readonly [Groups, Groups],
  at: number,
  share: number,
): CountPart {
  return {
    label,
    columns,
    maps: groups.map(({ of }) => of),
    sizes: groups.map(({ count }) => count),
    at,
    share,
  };
}

export function groupSums(counts: Float64Array, groups: Groups): Float64Array {
  const sums = new Float64Array(groups.count);
  for (const [cell, group] of groups.of.entries()) sums[group]! += counts[cell] as number;
  return sums;
}

/** Of what is above 0; all alike where nothing is. */
export function positiveShares(counts: Float64Array): Float64Array {
  const positive = counts.map((count) => Math.max(0, count));
  const sum = positive.reduce((a, b) => a + b, 0);
  return positive.map((count) => (sum > 0 ? count / sum : 1 / counts.length));
}
