/** The questions that a fit asks, one after the other, and what it makes of the noisy answers. */
import { coarsen, mergeRare, spanningTree, type Groups, type Ratio, type Tree } from '@twinkeep/protocol';
import type { Codec } from './codec.ts';
import { splitCounts, type Marginal, type Plan } from './counts.ts';
import { groupSums, positiveShares } from './estimate.ts';
import type { Ledger } from './ledger.ts';

/** The answers to a plan, with noise of the variance (null = exact). */
export type CountSource = (plan: Plan, variance: Ratio | null) => Promise<Int32Array>;

export async function countClasses(
  source: CountSource,
  { cells }: Codec,
  classes: number,
  ledger: Ledger,
): Promise<number[]> {
  // Every cell of the first attribute in one group: the rows of a class.
  const everything: Marginal = {
    attributes: [0],
    maps: [Array.from({ length: cells }, () => 0)],
    sizes: [1],
  };
  const plan = Array.from({ length: classes }, () => [everything]);
  return Array.from(await source(plan, ledger.ratio('classes')));
}

/** Of the classes that are kept; null for the others. */
export async function countSingles(
  source: CountSource,
  codecs: readonly Codec[],
  kept: readonly boolean[],
  ledger: Ledger,
): Promise<(Float64Array[] | null)[]> {
  const marginals = codecs.map(({ cells }, a): Marginal => ({
    attributes: [a],
    maps: [null],
    sizes: [cells],
  }));
  const plan = kept.map((keep) => (keep ? marginals : []));
  const answers = splitCounts(plan, await source(plan, ledger.ratio('one-ways')));
  return kept.map((keep, label) => (keep ? (answers[label] as Float64Array[]) : null));
}

/** The rows of a class: its own count and the sums of its one-ways, each weighted by how exact it is; at least 1. */
export function combineTotals(
  total: number,
  singles: readonly Float64Array[],
  codecs: readonly Codec[],
  ledger: Ledger,
): number {
  if (ledger.privacy === null) return total;
  let weight = 1 / ledger.variance('classes');
  let sum = total * weight;
  for (const [a, counts] of singles.entries()) {
    const own = 1 / (ledger.variance('one-ways') * (codecs[a] as Codec).cells);
    weight += own;
    sum += own * counts.reduce((x, y) => x + y, 0);
  }
  return Math.max(1, sum / weight);
}

/** Where a class has fewer rows than so many standard deviations of the noise, all classes share a tree: its own would be mostly noise. */
const ENOUGH_ROWS = 30;

/** By class, a tree of the pairs that are furthest from independent given the class, less what noise alone would make of them. */
export async function chooseTrees(
  source: CountSource,
  codecs: readonly Codec[],
  singles: readonly (readonly Float64Array[] | null)[],
  totals: readonly number[],
  ledger: Ledger,
): Promise<(Tree | null)[]> {
  const d = codecs.length;
  if (d <= 2) return singles.map((counts) => (counts === null ? null : spanningTree(d, () => 0)));
  const sigma = Math.sqrt(ledger.variance('coarse pairs'));
  const kept = totals.filter((_, label) => singles[label] !== null);
  const together = kept.some((total) => total < ENOUGH_ROWS * sigma);
  const coarse = (counts: readonly Float64Array[]): Groups[] =>
    counts.map((noisy, a) => coarsen(codecs[a] as Codec, noisy));
  const common = coarse(sumOfClasses(singles, codecs));
  const groups = singles.map((counts) => (counts === null ? null : together ? common : coarse(counts)));
  const plan = groups.map((own) => (own === null ? [] : allPairs(own)));
  const answers = splitCounts(plan, await source(plan, ledger.ratio('coarse pairs')));
  const distances = singles.map((counts, label) =>
    distancesFromIndependence(
      answers[label] as Float64Array[],
      plan[label] as Marginal[],
      counts?.map((noisy, a) => positiveShares(groupSums(noisy, groups[label]![a] as Groups))) ?? [],
      totals[label] as number,
    ),
  );
  if (!together)
    return plan.map((pairs, label) =>
      groups[label] === null ? null : treeOf(d, pairs, distances[label] as Float64Array[], sigma),
    );
  const pairs = allPairs(common);
  const ofAll = pairs.map((_, i) =>
    addUp(distances.flatMap((own) => (own[i] === undefined ? [] : [own[i]]))),
  );
  const shared = treeOf(d, pairs, ofAll, sigma * Math.sqrt(kept.length));
  return groups.map((own) => (own === null ? null : shared));
}

/** Per pair and cell, the count less the one that independence would make. */
function distancesFromIndependence(
  answers: readonly Float64Array[],
  pairs: readonly Marginal[],
  shares: readonly Float64Array[],
  total: number,
): Float64Array[] {
  return pairs.map(({ attributes, sizes }, i) => {
    const [a, b] = attributes.map((attribute) => shares[attribute] as Float64Array);
    const width = sizes[1] as number;
    return (answers[i] as Float64Array).map(
      (count, cell) =>
        count - total * (a?.[Math.floor(cell / width)] as number) * (b?.[cell % width] as number),
    );
  });
}

function treeOf(
  d: number,
  pairs: readonly Marginal[],
  distances: readonly Float64Array[],
  sigma: number,
): Tree {
  const scores = new Map<number, number>();
  for (const [i, { attributes }] of pairs.entries()) {
    const [a, b] = attributes as [number, number];
    const own = distances[i] as Float64Array;
    const distance = own.reduce((sum, x) => sum + Math.abs(x), 0);
    scores.set(a * d + b, distance - Math.sqrt(2 / Math.PI) * sigma * own.length);
  }
  return spanningTree(d, (a, b) => scores.get(a * d + b) as number);
}

function addUp(tables: readonly Float64Array[]): Float64Array {
  return tables.reduce((sum, table) => sum.map((x, i) => x + (table[i] as number)));
}

/** The one-ways of all rows. */
function sumOfClasses(
  singles: readonly (readonly Float64Array[] | null)[],
  codecs: readonly Codec[],
): Float64Array[] {
  return codecs.map(({ cells }, a) => {
    const sum = new Float64Array(cells);
    for (const counts of singles)
      for (const [cell, count] of (counts?.[a] ?? []).entries()) sum[cell]! += count;
    return sum;
  });
}

function allPairs(groups: readonly Groups[]): Marginal[] {
  return groups.flatMap((a, i) =>
    groups.slice(i + 1).map((b, j): Marginal => ({
      attributes: [i, i + 1 + j],
      maps: [a.of, b.of],
      sizes: [a.count, b.count],
    })),
  );
}

/** By class, what its noise drowns merged. */
export function mergeAll(
  singles: readonly (readonly Float64Array[] | null)[],
  codecs: readonly Codec[],
  ledger: Ledger,
): (Groups[] | null)[] {
  const sigma = Math.sqrt(ledger.variance('one-ways'));
  return singles.map(
    (noisy) => noisy?.map((counts, a) => mergeRare(codecs[a] as Codec, counts, sigma)) ?? null,
  );
}

/** By class and attribute, the pair with its parent; null for the root. */
export async function countPairs(
  source: CountSource,
  trees: readonly (Tree | null)[],
  groups: readonly (readonly Groups[] | null)[],
  ledger: Ledger,
): Promise<((Float64Array | null)[] | null)[]> {
  const edges = (own: readonly Groups[], { parents }: Tree): Marginal[] =>
    parents.flatMap((parent, child): Marginal[] => {
      if (parent < 0) return [];
      const [a, b] = [own[parent] as Groups, own[child] as Groups];
      return [{ attributes: [parent, child], maps: [a.of, b.of], sizes: [a.count, b.count] }];
    });
  const plan = groups.map((own, label) => (own === null ? [] : edges(own, trees[label] as Tree)));
  const counts = plan.every((marginals) => marginals.length === 0)
    ? new Int32Array()
    : await source(plan, ledger.ratio('tree pairs'));
  const answers = splitCounts(plan, counts);
  return groups.map((own, label) => {
    if (own === null) return null;
    const list = [...(answers[label] as Float64Array[])];
    return (trees[label] as Tree).parents.map((parent) =>
      parent < 0 ? null : (list.shift() as Float64Array),
    );
  });
}
