/**
 * Class-conditional MST (McKenna, Miklau, Sheldon, "Winning the NIST contest", 2021), from noisy counts alone, so that the same fit works over
 * secure sums. Of the budget:
 *
 *   1. 1 %: how many rows each class has;
 *   2. then 25 % of the rest: all one-way marginals of each class;
 *   3. 30 %: all pairs, each attribute coarsened to at most four groups. They choose the tree, for a small class that of all classes. No
 *      exponential mechanism is needed, and no exact count is looked at;
 *   4. 45 %: the pairs of the tree in full, class by class, after what noise drowns has been merged. `estimate.ts` makes them agree.
 *
 * Rows of different classes are disjoint, so the classes compose in parallel. Neighbouring tables differ by one row added or removed.
 */
import type { Groups, Tree } from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import type { Table } from '../table.ts';
import { createCodec, encodeTable, type Codec } from './codec.ts';
import { countPlan, measure, planSize, type Measure, type Plan } from './counts.ts';
import { conditionals, estimateTree, groupSums } from './estimate.ts';
import { openLedger, type PrivacyLedger } from './ledger.ts';
import { computedTotals, type TableSchema } from './schema.ts';
import {
  chooseTrees,
  combineTotals,
  countClasses,
  countPairs,
  countSingles,
  mergeAll,
  type CountSource,
} from './steps.ts';

export interface MstOptions {
  /** A category by whose words rows are modelled apart: what models are to predict. Default: none. */
  target?: string;
  /** Both or neither. Without them no noise is added and nothing is promised. */
  epsilon?: number;
  delta?: number;
}

export type { PrivacyLedger } from './ledger.ts';

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
  if (table === null) return new Int32Array(planSize(plan));
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
  if (!kept.includes(true))
    throw new SyntheticError(
      'synthetic/unsatisfiable',
      'too few rows for this epsilon: the noise is larger than the table',
    );
  const singles = await countSingles(source, codecs, kept, ledger);
  const sums = totals.map((total, label) => combineTotals(total, singles[label] ?? [], codecs, ledger));
  const trees = await chooseTrees(source, codecs, singles, sums, ledger);
  const groups = mergeAll(singles, codecs, ledger);
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
