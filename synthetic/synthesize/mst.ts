/**
 * Class-conditional MST: per class of the label one maximum-spanning-tree model (McKenna, Miklau, Sheldon, "Winning the NIST contest",
 * 2021), from noisy counts alone, so that the same fit works over secure sums:
 *
 *   1. 5 % of rho: how many rows each class has;
 *   2. then, in each class, 20 % of the rest: all one-way marginals;
 *   3. 30 %: all pairs, each attribute coarsened to at most four groups. They choose the tree: the pairs that are furthest from
 *      independence, less what noise alone would make of them. No exponential mechanism is needed, and no exact count is looked at;
 *   4. 50 %: the pairs of the tree in full, after what noise drowns has been merged. Mirror descent makes the marginals agree.
 *
 * Rows of different classes are disjoint, so the classes compose in parallel. Neighbouring tables differ by one row added or removed.
 */
import {
  coarsen,
  mergeRare,
  noiseMultiplierFor,
  roundRho,
  spanningTree,
  type Groups,
  type Ratio,
  type Tree,
} from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import type { Table } from '../table.ts';
import { createCodec, encodeTable, type Codec } from './codec.ts';
import {
  countPlan,
  marginalSize,
  measure,
  planOffsets,
  ratioToNumber,
  varianceFor,
  type Marginal,
  type Measure,
  type Plan,
} from './counts.ts';
import { computedTotals, type TableSchema } from './schema.ts';
import { estimateTree, type TreeMarginals } from './tree.ts';

export interface MstOptions {
  /** A category by whose words rows are modelled apart: what models are to predict. Default: none. */
  target?: string;
  /** Both or neither. Without them no noise is added and nothing is promised. */
  epsilon?: number;
  delta?: number;
}

export interface PrivacyLedger {
  epsilon: number;
  delta: number;
  /** Of zero-concentrated differential privacy, over all steps. */
  rho: number;
  unit: 'row added or removed' | 'one twin';
  /** `variance`: of each count; of a federated step, of a count that the whole of it is spent on. */
  steps: { name: string; rho: number; variance: number; marginalsPerRow?: number }[];
}

export interface MstModel {
  kind: 'mst';
  schema: TableSchema;
  /** Names of the modelled attributes, in the order of all that follows; without the target and without computed totals. */
  attributes: string[];
  target: string | null;
  classes: TreeClass[];
  /** Null where nothing is promised. */
  privacy: PrivacyLedger | null;
}

export interface TreeClass {
  /** Cell of the target; 0 without one. */
  cell: number;
  /** Noisy number of rows, at least 0. */
  rows: number;
  tree: Tree;
  groups: Groups[];
  /** Per attribute the chances of its groups given the parent's, row by row; of the root one row. */
  chances: number[][];
}

/** The answers to a plan, with noise of the variance (null = exact). */
export type CountSource = (plan: Plan, variance: Ratio | null) => Promise<Int32Array>;

const MAX_CLASSES = 100;

/** @throws SyntheticError 'synthetic/data', 'synthetic/privacy' or 'synthetic/schema' */
export async function fitMst(table: Table, schema: TableSchema, options: MstOptions = {}): Promise<MstModel> {
  return fitMstOfTable(table, schema, options, measure);
}

/** With the caller's noise, for tests of it. */
export async function fitMstOfTable(
  table: Table,
  schema: TableSchema,
  options: MstOptions,
  addNoise: Measure,
): Promise<MstModel> {
  const source: CountSource = (plan, variance) =>
    addNoise(countTable(table, schema, options.target, plan), variance);
  return fitMstFromCounts(source, schema, options);
}

/** The exact answers to a plan, of a table or of a part of one; null = a table without rows. @throws SyntheticError 'synthetic/data' */
export function countTable(
  table: Table | null,
  schema: TableSchema,
  target: string | undefined,
  plan: Plan,
): Int32Array {
  if (table === null) return new Int32Array(planOffsets(plan).total);
  const totals = computedTotals(schema);
  const cells = encodeTable(table, schema);
  const place = (name: string): Int32Array =>
    cells[schema.columns.findIndex((column) => column.name === name)] as Int32Array;
  const names = schema.columns
    .map(({ name }) => name)
    .filter((name) => name !== target && !totals.includes(name));
  const classes = target === undefined ? new Int32Array(table.rows) : place(target);
  return countPlan(names.map(place), classes, plan);
}

/** The fit itself: it sees nothing but noisy counts, whoever took them. */
export async function fitMstFromCounts(
  source: CountSource,
  schema: TableSchema,
  options: MstOptions,
): Promise<MstModel> {
  const { names, target, codecs, classCells } = modelled(schema, options);
  const ledger = openLedger(schema, options, names.length);
  const totals = await countClasses(source, codecs[0] as Codec, classCells, ledger);
  const kept = totals.map((total) => total > 0);
  const singles = await countSingles(source, codecs, kept, ledger);
  const sums = totals.map((total, label) => combineTotals(total, singles[label] ?? [], codecs, ledger));
  const trees = await chooseTrees(source, codecs, singles, sums, ledger);
  const groups = singles.map((noisy) =>
    noisy === null
      ? null
      : noisy.map((counts, a) =>
          mergeRare(codecs[a] as Codec, counts, Math.sqrt(ledger.variance('one-ways'))),
        ),
  );
  const pairs = await countPairs(source, trees, groups, ledger);
  const classes = kept.flatMap((keep, cell): TreeClass[] => {
    if (!keep) return [];
    const tree = trees[cell] as Tree;
    const grouped = groups[cell] as Groups[];
    const noisy = {
      single: (singles[cell] as Float64Array[]).map((counts, a) => groupSums(counts, grouped[a] as Groups)),
      pair: pairs[cell] as (Float64Array | null)[],
      singleVariance: ledger.variance('one-ways'),
      pairVariance: ledger.variance('tree pairs'),
    };
    const rows = sums[cell] as number;
    const marginals = ledger.privacy === null ? noisy : estimateTree(tree, noisy, rows);
    return [{ cell, rows, tree, groups: grouped, chances: conditionals(tree, marginals) }];
  });
  if (classes.length === 0)
    throw new SyntheticError(
      'synthetic/unsatisfiable',
      'too few rows for this epsilon: the noise is larger than the table',
    );
  return { kind: 'mst', schema, attributes: names, target, classes, privacy: ledger.privacy };
}

function modelled(
  schema: TableSchema,
  { target = undefined }: MstOptions,
): { names: string[]; target: string | null; codecs: Codec[]; classCells: number } {
  const totals = computedTotals(schema);
  const columns = schema.columns.filter(({ name }) => name !== target && !totals.includes(name));
  if (columns.length === 0) throw new SyntheticError('synthetic/schema', 'no column is left to model');
  const column = schema.columns.find(({ name }) => name === target);
  if (target !== undefined && column?.kind !== 'category')
    throw new SyntheticError('synthetic/schema', 'the target is no category of the schema', {
      column: target,
    });
  const classCells = column === undefined ? 1 : createCodec(column).cells;
  if (classCells > MAX_CLASSES)
    throw new SyntheticError('synthetic/schema', `a target has at most ${MAX_CLASSES} words`, {
      column: column!.name,
    });
  return {
    names: columns.map(({ name }) => name),
    target: target ?? null,
    codecs: columns.map(createCodec),
    classCells,
  };
}

type Step = 'classes' | 'one-ways' | 'coarse pairs' | 'tree pairs';

interface Ledger {
  privacy: PrivacyLedger | null;
  /** The noise that a step adds; null = none. */
  ratio(step: Step): Ratio | null;
  variance(step: Step): number;
}

/** Shares of rho. Where there is no tree to choose, the coarse pairs' share goes to the rest. */
function openLedger(schema: TableSchema, { epsilon, delta }: MstOptions, attributes: number): Ledger {
  if ((epsilon === undefined) !== (delta === undefined))
    throw new SyntheticError('synthetic/privacy', 'epsilon and delta go together');
  if (epsilon === undefined || delta === undefined)
    return { privacy: null, ratio: () => null, variance: () => 0 };
  if (schema.derived === true)
    throw new SyntheticError(
      'synthetic/privacy',
      'this schema was read off the data: no epsilon holds for it',
    );
  if (!(epsilon > 0 && epsilon <= 100 && delta > 0 && delta < 1))
    throw new SyntheticError(
      'synthetic/privacy',
      `epsilon ${epsilon}, delta ${delta}: not 0 to 100 and 0 to 1`,
    );
  const rho = roundRho(noiseMultiplierFor({ epsilon, delta, participations: 1 }));
  const pairs = (attributes * (attributes - 1)) / 2;
  const shares: [Step, number, number][] = [
    ['classes', 0.05, 1],
    ['one-ways', 0.95 * (attributes === 1 ? 1 : attributes === 2 ? 0.35 : 0.2), attributes],
    ['coarse pairs', attributes > 2 ? 0.95 * 0.3 : 0, pairs],
    ['tree pairs', attributes === 1 ? 0 : 0.95 * (attributes === 2 ? 0.65 : 0.5), attributes - 1],
  ];
  const ratios = new Map<Step, Ratio>();
  const steps: PrivacyLedger['steps'] = [];
  for (const [name, share, marginals] of shares) {
    if (share === 0) continue;
    const ratio = varianceFor(marginals, share * rho);
    ratios.set(name, ratio);
    steps.push({ name, rho: share * rho, variance: ratioToNumber(ratio), marginalsPerRow: marginals });
  }
  return {
    privacy: { epsilon, delta, rho, unit: 'row added or removed', steps },
    ratio: (step) => ratios.get(step) ?? null,
    variance: (step) => ratioToNumber(ratios.get(step) ?? { num: 0, den: 1 }),
  };
}

async function countClasses(
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

async function countSingles(
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
  const answers = splitAnswers(plan, await source(plan, ledger.ratio('one-ways')));
  return kept.map((keep, label) => (keep ? (answers[label] as Float64Array[]) : null));
}

/** The rows of a class: its own count and the sums of its one-ways, each weighted by how exact it is; at least 1. */
function combineTotals(
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

async function chooseTrees(
  source: CountSource,
  codecs: readonly Codec[],
  singles: readonly (readonly Float64Array[] | null)[],
  totals: readonly number[],
  ledger: Ledger,
): Promise<(Tree | null)[]> {
  const d = codecs.length;
  if (d <= 2) return singles.map((counts) => (counts === null ? null : spanningTree(d, () => 0)));
  const coarse = singles.map(
    (counts) => counts?.map((noisy, a) => coarsen(codecs[a] as Codec, noisy)) ?? null,
  );
  const plan = coarse.map((groups) => (groups === null ? [] : allPairs(groups)));
  const answers = splitAnswers(plan, await source(plan, ledger.ratio('coarse pairs')));
  const sigma = Math.sqrt(ledger.variance('coarse pairs'));
  return coarse.map((groups, label) => {
    if (groups === null) return null;
    const shares = groups.map((group, a) =>
      positiveShares(groupSums(singles[label]![a] as Float64Array, group)),
    );
    const scores = new Map<number, number>();
    for (const [i, { attributes, sizes }] of (plan[label] as Marginal[]).entries()) {
      const [a, b] = attributes as [number, number];
      const counts = answers[label]![i] as Float64Array;
      const [pa, pb] = [shares[a] as Float64Array, shares[b] as Float64Array];
      let distance = 0;
      for (const [cell, count] of counts.entries()) {
        const row = Math.floor(cell / (sizes[1] as number));
        distance += Math.abs(
          count -
            (totals[label] as number) * (pa[row] as number) * (pb[cell % (sizes[1] as number)] as number),
        );
      }
      scores.set(a * d + b, distance - Math.sqrt(2 / Math.PI) * sigma * counts.length);
    }
    return spanningTree(d, (a, b) => scores.get(a * d + b) as number);
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

async function countPairs(
  source: CountSource,
  trees: readonly (Tree | null)[],
  groups: readonly (readonly Groups[] | null)[],
  ledger: Ledger,
): Promise<((Float64Array | null)[] | null)[]> {
  const plan = trees.map((tree, label) =>
    tree === null
      ? []
      : tree.parents.flatMap((parent, child): Marginal[] => {
          if (parent < 0) return [];
          const [a, b] = [groups[label]![parent] as Groups, groups[label]![child] as Groups];
          return [{ attributes: [parent, child], maps: [a.of, b.of], sizes: [a.count, b.count] }];
        }),
  );
  const counts = plan.every((marginals) => marginals.length === 0)
    ? new Int32Array()
    : await source(plan, ledger.ratio('tree pairs'));
  const answers = splitAnswers(plan, counts);
  return trees.map((tree, label) => {
    if (tree === null) return null;
    const list = [...(answers[label] as Float64Array[])];
    return tree.parents.map((parent) => (parent < 0 ? null : (list.shift() as Float64Array)));
  });
}

function splitAnswers(plan: Plan, counts: Int32Array): Float64Array[][] {
  const { at } = planOffsets(plan);
  return plan.map((marginals, label) =>
    marginals.map((marginal, i) => {
      const offset = at[label]![i] as number;
      return Float64Array.from(counts.subarray(offset, offset + marginalSize(marginal)));
    }),
  );
}

function groupSums(counts: Float64Array, groups: Groups): Float64Array {
  const sums = new Float64Array(groups.count);
  for (const [cell, group] of groups.of.entries()) sums[group]! += counts[cell] as number;
  return sums;
}

function positiveShares(counts: Float64Array): Float64Array {
  const positive = counts.map((count) => Math.max(0, count));
  const sum = positive.reduce((a, b) => a + b, 0);
  return positive.map((count) => (sum > 0 ? count / sum : 1 / counts.length));
}

/** What each attribute is, given its parent; where the parent's group has no mass, what it is at all. */
function conditionals(tree: Tree, { single, pair }: TreeMarginals): number[][] {
  return tree.parents.map((parent, a) => {
    const own = positiveShares(single[a] as Float64Array);
    if (parent < 0) return [...own];
    const width = own.length;
    const table = pair[a] as Float64Array;
    const chances: number[] = [];
    for (let p = 0; p < table.length / width; p++) {
      const row = table.subarray(p * width, (p + 1) * width).map((x) => Math.max(0, x));
      const sum = row.reduce((x, y) => x + y, 0);
      chances.push(...(sum > 0 ? row.map((x) => x / sum) : own));
    }
    return chances;
  });
}
