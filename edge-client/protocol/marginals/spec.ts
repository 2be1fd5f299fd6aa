/**
 * A task that counts instead of training: how many twins fall into which cells of declared columns, one, or two of them together, apart
 * by the word of the label. From such counts, and from nothing else, a synthesizer is made. The cells are part of the signed task, so
 * nothing about them was read off anybody's data.
 */
import * as v from 'valibot';
import { transformWidth, type Feature } from '../features.ts';
import { ProtocolError } from '../problem.ts';

export interface MarginalsSpec {
  readonly kind: 'marginals';
  /** One for each feature of the task, in its order. */
  readonly columns: readonly MarginalColumn[];
}

export interface MarginalColumn {
  /** The last one is for "not known". */
  readonly cells: number;
  /** All but the last are neighbouring intervals of a number. */
  readonly ordered: boolean;
}

export const marginalsSpecSchema: v.GenericSchema<MarginalsSpec> = v.strictObject({
  kind: v.literal('marginals'),
  columns: v.pipe(
    v.array(
      v.strictObject({
        cells: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1_026)),
        ordered: v.boolean(),
      }),
    ),
    v.minLength(2),
    v.maxLength(256),
  ),
});

/** What is counted of these features. @throws ProtocolError 'protocol/model' where one has no declared cells */
export function marginalsOf(features: readonly Feature[]): MarginalsSpec {
  return {
    kind: 'marginals',
    columns: features.map(({ name, transform }) => {
      if (transform.kind === 'scale')
        throw new ProtocolError(
          'protocol/model',
          `${name} is not a bucket or one-hot: it has no cells to count`,
        );
      return { cells: transformWidth(transform) + 1, ordered: transform.kind === 'bucket' };
    }),
  };
}

/** Words of the label: negative, positive. */
export const LABELS = [0, 1] as const;
/** Groups of a column in the pairs that choose the tree. */
export const COARSE_GROUPS = 4;

/**
 * Where counts lie in the published vector: how many steps are in, the twins of each label, one-ways of the first step and of the second
 * (by label, then column), coarse pairs, pairs of the tree.
 */
export interface MarginalsLayout {
  totals: number;
  ways: readonly [number, number];
  coarse: number;
  pairs: number;
  length: number;
}

export function marginalsLayout({ columns }: MarginalsSpec): MarginalsLayout {
  const cells = columns.map((column) => column.cells);
  const oneWays = LABELS.length * cells.reduce((sum, n) => sum + n, 0);
  const totals = 1;
  const first = totals + LABELS.length;
  const second = first + oneWays;
  const coarse = second + oneWays;
  const pairs = coarse + coarseLength(cells);
  return { totals, ways: [first, second], coarse, pairs, length: pairs + LABELS.length * largestTree(cells) };
}

function coarseLength(cells: readonly number[]): number {
  const groups = cells.map((n) => Math.min(n, COARSE_GROUPS));
  return groups.reduce((sum, a, i) => sum + groups.slice(i + 1).reduce((row, b) => row + a * b, 0), 0);
}

/** Cells of all pairs of any tree are at most these: the product of two columns is largest with the largest one, which takes in all others. */
function largestTree(cells: readonly number[]): number {
  const largest = Math.max(...cells);
  return largest * (cells.reduce((sum, n) => sum + n, 0) - largest);
}
