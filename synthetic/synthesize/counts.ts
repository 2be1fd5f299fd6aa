/**
 * All that a private fit ever learns of a table: whole-number counts, with noise. A plan asks for marginals per class; a row has one
 * class, so that it adds 1 to one cell of each of the q marginals of its class: L2 sensitivity sqrt(q) for a table with a row more or less. Counts of plans can be added up over sites, and noise can be added by whoever adds them up.
 */
import { addNoise, randomBytes, webCryptoPrg, type Ratio } from '@twinkeep/protocol';

/** One marginal: counts by one or two attributes, each first mapped to groups; row-major, the first attribute outside. */
export interface Marginal {
  attributes: readonly number[];
  /** From a cell to its group, per attribute; null = the cells themselves. */
  maps: readonly (readonly number[] | null)[];
  sizes: readonly number[];
}

/** By class. */
export type Plan = readonly (readonly Marginal[])[];

export function marginalSize({ sizes }: Marginal): number {
  return sizes.reduce((product, size) => product * size, 1);
}

/** All counts in the order of the plan, one after the other. `cells`: per attribute the cell of every row. */
export function countPlan(cells: readonly Int32Array[], classes: Int32Array, plan: Plan): Int32Array {
  const counts = new Int32Array(planSize(plan));
  const members = plan.map((): number[] => []);
  for (const [row, label] of classes.entries()) members[label]?.push(row);
  let from = 0;
  for (const [label, rows] of members.entries())
    for (const marginal of plan[label] ?? []) {
      const size = marginalSize(marginal);
      countMarginal(cells, rows, marginal, counts.subarray(from, from + size));
      from += size;
    }
  return counts;
}

function countMarginal(
  cells: readonly Int32Array[],
  rows: readonly number[],
  { attributes, maps, sizes }: Marginal,
  counts: Int32Array,
): void {
  const [a, b] = attributes.map((attribute) => cells[attribute] as Int32Array);
  const [mapA, mapB] = maps;
  for (const row of rows) {
    let cell = groupOf(mapA, (a as Int32Array)[row] as number);
    if (b !== undefined) cell = cell * (sizes[1] as number) + groupOf(mapB, b[row] as number);
    counts[cell]! += 1;
  }
}

function groupOf(map: readonly number[] | null | undefined, cell: number): number {
  return map === null || map === undefined ? cell : (map[cell] as number);
}

export function planSize(plan: Plan): number {
  return plan.flat().reduce((sum, marginal) => sum + marginalSize(marginal), 0);
}

/** The counts of a plan, marginal by marginal. */
export function splitCounts(plan: Plan, counts: Int32Array): Float64Array[][] {
  let from = 0;
  return plan.map((marginals) =>
    marginals.map((marginal) => {
      const size = marginalSize(marginal);
      from += size;
      return Float64Array.from(counts.subarray(from - size, from));
    }),
  );
}

/** A vector of counts with discrete Gaussian noise of the variance; exact where the variance is null. */
export type Measure = (counts: Int32Array, variance: Ratio | null) => Promise<Int32Array>;

/** Noise from the platform's randomness, a fresh key per vector. The exact sampler of `@twinkeep/protocol`. */
export const measure: Measure = async (counts, variance) => {
  if (variance === null) return counts;
  const words = Uint32Array.from(counts);
  await addNoise(words, randomBytes(32), variance, webCryptoPrg);
  return Int32Array.from(new Int32Array(words.buffer));
};

/** The least variance in thousandths that costs at most `rho` of zero-concentrated differential privacy for `marginals` counts per row. */
export function varianceFor(marginals: number, rho: number): Ratio {
  return { num: Math.ceil((1_000 * marginals) / (2 * rho)), den: 1_000 };
}

export function ratioToNumber({ num, den }: Ratio): number {
  return num / den;
}
