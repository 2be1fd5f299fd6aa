/**
 * Counting itself: what twins add up in a step (the device half) and what is published of an opened sum (the coordinator half), side by
 * side, so that they cannot drift apart.
 *
 * A twin adds clipL2 * sqrt(share) to one cell of each part: its vector has L2 norm clipL2, whatever its record, since the shares of what
 * it falls under add up to 1. There is nothing to clip, and nothing in a published vector can make a twin say more.
 */
import { helperFamily } from '../family.ts';
import { ProtocolError } from '../problem.ts';
import type { TaskSpec } from '../task.ts';
import { taskGrid } from '../terms.ts';
import { marginalsLayout, type MarginalsSpec } from './spec.ts';
import { COUNT_STEPS, countParts, type CountPart } from './steps.ts';
import type { Counting } from './ways.ts';

/** @throws ProtocolError 'protocol/model' where the task trains */
export function countingOf(task: TaskSpec): Counting {
  const { model, privacy, helpers } = task;
  if (model.kind !== 'marginals')
    throw new ProtocolError('protocol/model', `task ${task.taskId} counts nothing: it trains a network`);
  if (privacy.mech === 'none') return { spec: model, noise: 0 };
  const { sigmaSquared, unit } = taskGrid(task);
  const sets = helperFamily(helpers.m, helpers.c).length;
  return { spec: model, noise: (sets * sigmaSquared) / (unit * unit) };
}

/** Records of twins, one-hot: `[n, inputs]` row-major as `featureRow` makes them, a column of zeros where nothing is known. */
export interface CountedRows {
  readonly features: Float32Array;
  /** 0 or 1; NaN where it is not known: that twin adds nothing. */
  readonly labels: Float32Array;
  readonly n: number;
}

/** @returns the sum of all twins' vectors, in the layout of the published counts, and how many they are */
export function sumOfCounts(
  task: TaskSpec,
  counts: Float32Array,
  rows: CountedRows,
): { sum: Float64Array; twins: number } {
  const counting = countingOf(task);
  const { length } = marginalsLayout(counting.spec);
  requireCounts(counts, length);
  const parts = countParts(counting, counts, stepsIn(counts));
  const sum = new Float64Array(length);
  let twins = 0;
  for (let row = 0; row < rows.n; row++) {
    const label = rows.labels[row] as number;
    if (Number.isNaN(label)) continue;
    const cells = cellsOfRow(counting.spec, rows, row);
    for (const part of parts) {
      if (part.label !== null && part.label !== label) continue;
      sum[part.at + cellOf(part, cells)]! += task.clipL2 * Math.sqrt(part.share);
    }
    twins++;
  }
  return { sum, twins };
}

/** @param sum as opened, noise included; @returns what is published: the counts before, and in their place those of this step */
export function publishCounts(task: TaskSpec, counts: Float32Array, sum: Float64Array): Float32Array {
  const counting = countingOf(task);
  const next = counts.slice();
  for (const { at, sizes, share } of countParts(counting, counts, stepsIn(counts))) {
    const end = at + sizes.reduce((product, size) => product * size, 1);
    for (let i = at; i < end; i++) next[i] = (sum[i] as number) / (task.clipL2 * Math.sqrt(share));
  }
  next[0] = stepsIn(counts) + 1;
  return next;
}

/** How many steps a published vector holds: what a device reads from a server, who may say anything. */
export function stepsIn(counts: Float32Array): number {
  return Math.min(COUNT_STEPS - 1, Math.max(0, Math.floor(counts[0] as number)));
}

function requireCounts(counts: Float32Array, length: number): void {
  if (counts.length !== length)
    throw new ProtocolError('protocol/weights', `expected ${length} counts, got ${counts.length}`);
}

function cellsOfRow({ columns }: MarginalsSpec, { features }: CountedRows, row: number): number[] {
  const width = columns.reduce((sum, { cells }) => sum + cells - 1, 0);
  let at = row * width;
  return columns.map(({ cells }) => {
    const words = features.subarray(at, at + cells - 1);
    at += cells - 1;
    const set = words.findIndex((input) => input > 0);
    return set < 0 ? cells - 1 : set;
  });
}

function cellOf({ columns, maps, sizes }: CountPart, cells: readonly number[]): number {
  return columns.reduce((at, column, i) => {
    const cell = cells[column] as number;
    return at * (sizes[i] as number) + (maps[i]?.[cell] ?? cell);
  }, 0);
}
