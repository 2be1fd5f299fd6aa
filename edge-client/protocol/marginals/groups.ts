/** From many cells to few groups, by noisy counts alone: post-processing, which costs no privacy. */

import { COARSE_GROUPS } from './spec.ts';

export interface Cells {
  cells: number;
  /** The cells from `first` to `last` are neighbouring bins of numbers; null for words. */
  bins: { first: number; last: number } | null;
}

export interface Groups {
  /** From a cell to its group. */
  of: number[];
  count: number;
  /** A cell's share of its group. */
  spread: number[];
}

/** More than so many cells of an attribute are never told apart in pairs. */
const MAX_GROUPS = 256;

/**
 * What the noise drowns is merged: neighbouring bins until they are three standard deviations of the noise together, every other such
 * cell into one of rare ones. Within a group its cells keep the proportions of their noisy counts.
 */
export function mergeRare(column: Cells, noisy: Float64Array, sigma: number): Groups {
  const least = Math.max(3 * sigma, smallestKept(noisy));
  const of = Array.from({ length: column.cells }, () => -1);
  let count = 0;
  if (column.bins !== null) count = mergeBins(of, noisy, column.bins, least);
  let rare = -1;
  for (const [cell, group] of of.entries()) {
    if (group >= 0) continue;
    const kept = (noisy[cell] as number) >= least;
    if (!kept && rare < 0) rare = count;
    if (kept || rare === count) of[cell] = count++;
    else of[cell] = rare;
  }
  return { of, count, spread: spreadOf(of, count, noisy) };
}

/** The count below which cells are merged because there are too many of them. */
function smallestKept(noisy: Float64Array): number {
  return noisy.length <= MAX_GROUPS ? -Infinity : (noisy.toSorted().at(-MAX_GROUPS + 1) as number);
}

function mergeBins(
  of: number[],
  noisy: Float64Array,
  { first, last }: { first: number; last: number },
  least: number,
): number {
  let group = 0;
  let sum = 0;
  for (let cell = first; cell <= last; cell++) {
    of[cell] = group;
    sum += noisy[cell] as number;
    if (sum < least || cell === last) continue;
    group++;
    sum = 0;
  }
  // A rest that is too little for a group of its own joins the one before.
  if (sum < least && group > 0) {
    for (let cell = last; of[cell] === group; cell--) of[cell] = group - 1;
    return group;
  }
  return group + 1;
}

function spreadOf(of: readonly number[], count: number, noisy: Float64Array): number[] {
  const mass = Array.from({ length: count }, () => 0);
  const size = Array.from({ length: count }, () => 0);
  for (const [cell, group] of of.entries()) {
    mass[group]! += Math.max(0, noisy[cell] as number);
    size[group]! += 1;
  }
  return of.map((group, cell) => {
    const whole = mass[group] as number;
    return whole > 0 ? Math.max(0, noisy[cell] as number) / whole : 1 / (size[group] as number);
  });
}

/** At most four groups of about equal mass: neighbouring cells of numbers, words from the most to the least frequent. */
export function coarsen(column: Cells, noisy: Float64Array): Groups {
  const order = [...noisy.keys()];
  if (column.bins === null) order.sort((a, b) => (noisy[b] as number) - (noisy[a] as number));
  const whole = noisy.reduce((sum, x) => sum + Math.max(0, x), 0);
  const of = Array.from({ length: column.cells }, () => 0);
  const count = Math.min(COARSE_GROUPS, column.cells);
  let [group, within, before] = [0, 0, 0];
  for (const [place, cell] of order.entries()) {
    const mass = Math.max(0, noisy[cell] as number);
    const left = order.length - place;
    const full = before + within + mass / 2 > ((group + 1) * whole) / count;
    // A new group where this one has its share, and at the latest where as many cells as groups are left.
    if (within > 0 && group < count - 1 && (full || left < count - group)) {
      before += within;
      within = 0;
      group++;
    }
    of[cell] = group;
    within += mass;
  }
  return { of, count: group + 1, spread: spreadOf(of, group + 1, noisy) };
}
