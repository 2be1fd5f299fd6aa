/**
 * A synthesizer from what the rounds of a counting task published, and from nothing else: post-processing, which costs no further privacy.
 * Per label a tree of column pairs, as `fitMst` makes, for sums that carry the noise of several sets of helpers:
 *
 * - one-ways are joined with the margins of the pairs that hold the column, each weighted by how exact it is;
 * - a pair is first estimated over both labels, drawn towards independence as far as noise goes, and scaled to the one-ways of each label:
 *   the labels then share what ties the two columns together. Towards that the pair of each label is drawn in turn, so that what sets
 *   the labels apart in a pair counts as far as it stands out of the noise.
 */
import {
  choosePairs,
  COUNT_STEPS,
  countingOf,
  countParts,
  groupSums,
  LABELS,
  positiveShares,
  readOneWays,
  roundRho,
  type Counting,
  type CountPart,
  type Groups,
  type OneWays,
  type PairModel,
  type TaskSpec,
} from '@twinkeep/protocol';
import { SyntheticError } from '../error.ts';
import type { MstModel, TreeClass } from '../synthesize/mst.ts';
import type { PrivacyLedger } from '../synthesize/ledger.ts';
import type { TableSchema } from '../synthesize/schema.ts';
import { requireSameCells, schemaOfTask } from './schema.ts';
import { addTables, drawTowards, independent, lift, scaleToMargins, sum, type Cells } from './tables.ts';

/**
 * @param counts as the last round published them
 * @param schema bounds and steps that are publicly known beside the task: the same columns with as many cells
 * @throws SyntheticError 'synthetic/data' where the task has not counted all steps, 'synthetic/schema'
 */
export function fitFromCounts(task: TaskSpec, counts: Float32Array, schema?: TableSchema): MstModel {
  const counting = countingOf(task);
  if (counts[0] !== COUNT_STEPS)
    throw new SyntheticError('synthetic/data', `${counts[0] ?? 0} of ${COUNT_STEPS} steps are counted`);
  const own = schemaOfTask(task);
  requireSameCells(own, schema ?? own.schema);
  const { target, attributes } = own;
  const ways = readOneWays(counting, counts, 2);
  const model = choosePairs(counting, counts);
  const pairs = countParts(counting, counts, 2).map((part): CountedPair => {
    const [parent, child] = part.columns as [number, number];
    return { part, parent, child, table: tableOf(part, counts), variance: counting.noise / part.share };
  });
  const singles = LABELS.map((label) =>
    model.groups.map((groups, a) => joinMargins(counting, ways, pairs, { label, a, groups })),
  );
  const classes = LABELS.map((label): TreeClass => ({
    cell: label,
    rows: ways.totals[label] as number,
    tree: model.tree,
    groups: model.groups,
    chances: chancesOf(label, model, singles, pairs),
  }));
  return {
    kind: 'mst',
    schema: schema ?? own.schema,
    attributes,
    target,
    classes,
    privacy: ledgerOf(task, counting, counts),
  };
}

interface CountedPair {
  part: CountPart;
  parent: number;
  child: number;
  table: Cells;
  variance: number;
}

function tableOf({ at, sizes }: CountPart, counts: Float32Array): Cells {
  const size = sizes.reduce((product, n) => product * n, 1);
  return Float64Array.from(counts.subarray(at, at + size));
}

/** Below this many standard deviations of its noise, a count says no more than that it is small. */
const LEAST_SIGMAS = 0.3;

/** The groups of a column among the twins of a label: all that was counted of them, added up to the twins that the label has. */
function joinMargins(
  { noise }: Counting,
  ways: OneWays,
  pairs: readonly CountedPair[],
  { label, a, groups }: { label: number; a: number; groups: Groups },
): Float64Array {
  const cells = new Float64Array(groups.count);
  for (const group of groups.of) cells[group]! += 1;
  const weights = cells.map((n) => (ways.weights[a] as number) / n);
  const sums = groupSums(ways.counts[label]![a] as Float64Array, groups).map(
    (x, i) => x * (weights[i] as number),
  );
  for (const { part, parent, child, table } of pairs) {
    if (part.label !== label || (parent !== a && child !== a)) continue;
    const width = part.sizes[1] as number;
    const other = parent === a ? width : (part.sizes[0] as number);
    for (let i = 0; i < table.length; i++) {
      const group = parent === a ? Math.floor(i / width) : i % width;
      sums[group]! += ((table[i] as number) * part.share) / other;
    }
    for (let group = 0; group < weights.length; group++) weights[group]! += part.share / other;
  }
  const estimate = sums.map((x, i) => {
    const weight = weights[i] as number;
    return Math.max(x / weight, LEAST_SIGMAS * Math.sqrt(noise / weight));
  });
  return positiveShares(estimate).map((share) => share * (ways.totals[label] as number));
}

/** What each column is, given its parent. */
function chancesOf(
  label: number,
  { tree }: PairModel,
  singles: readonly (readonly Float64Array[])[],
  pairs: readonly CountedPair[],
): number[][] {
  const own = singles[label] as readonly Float64Array[];
  return tree.parents.map((parent, child) => {
    const marginal = [...positiveShares(own[child] as Float64Array)];
    if (parent < 0) return marginal;
    const counted = pairs.filter((pair) => pair.child === child);
    const width = marginal.length;
    const rows = (own[parent] as Float64Array).length;
    if (counted.length === 0) return Array.from({ length: rows }, () => marginal).flat();
    const table = pairOfLabel(label, counted, singles);
    return Array.from({ length: rows }, (_, row) => {
      const line = table.subarray(row * width, (row + 1) * width);
      return sum(line) > 0 ? [...positiveShares(line)] : marginal;
    }).flat();
  });
}

/** @param counted of one child, by label */
function pairOfLabel(
  label: number,
  counted: readonly CountedPair[],
  singles: readonly (readonly Float64Array[])[],
): Cells {
  const { parent, child, variance, table } = counted[label] as CountedPair;
  const margins = singles.map((of) => [of[parent], of[child]] as [Float64Array, Float64Array]);
  const apart = addTables(margins.map(([rows, columns]) => independent(rows, columns)));
  const both = addTables(counted.map((pair) => pair.table));
  const noise = counted.length * variance;
  const shared = lift(drawTowards(apart, both, noise), apart, noise);
  const [rows, columns] = margins[label] as [Float64Array, Float64Array];
  const expected = scaleToMargins(shared, rows, columns);
  return scaleToMargins(lift(drawTowards(expected, table, variance), expected, variance), rows, columns);
}

function ledgerOf({ privacy }: TaskSpec, counting: Counting, counts: Float32Array): PrivacyLedger | null {
  const { noise } = counting;
  if (privacy.mech === 'none') return null;
  const { epsilon, delta, noiseMultiplier } = privacy;
  const rho = roundRho(noiseMultiplier);
  const names = ['one-ways', 'one-ways and coarse pairs', 'tree pairs'];
  const steps = names.map((name, step) => ({
    name,
    rho,
    variance: noise,
    marginalsPerRow: countParts(counting, counts, step).filter(({ label }) => label !== 1).length,
  }));
  return { epsilon, delta, rho: COUNT_STEPS * rho, unit: 'one twin', steps };
}
