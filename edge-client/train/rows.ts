import { TrainError } from './errors.ts';
import type { TrainingRows } from './engine.ts';

/** Rows in one pass: bounds the memory whatever the node's size, some megabytes at 46 features. */
const CHUNK_ROWS = 8192;

/** Consecutive rows, ready for a batched pass. */
export interface RowChunk {
  readonly n: number;
  /** `[n, inputs + 1]` row-major, the last column 1. */
  readonly features: Float32Array;
  /** `[n]`, 0 where the label is missing. */
  readonly labels: Float32Array;
  /** `[n]`, 1 with a label and 0 without. */
  readonly labelled: Float32Array;
}

/** @throws TrainError `rows/malformed` for sizes that do not fit, a feature that is not finite, another label. */
export function requireRows({ features, labels, n }: TrainingRows, inputs: number): void {
  if (!Number.isSafeInteger(n) || n < 0 || features.length !== n * inputs || labels.length !== n) {
    throw new TrainError(
      'rows/malformed',
      `expected n x ${inputs} features and n labels for n = ${n}, got ${features.length} and ${labels.length}`,
    );
  }
  const badFeature = features.findIndex((value) => !Number.isFinite(value));
  if (badFeature !== -1) {
    const [row, column] = [Math.floor(badFeature / inputs), badFeature % inputs];
    throw new TrainError('rows/malformed', `feature ${column} of row ${row} is not finite`);
  }
  const badLabel = labels.findIndex((label) => label !== 0 && label !== 1 && !Number.isNaN(label));
  if (badLabel !== -1) {
    throw new TrainError('rows/malformed', `the label of row ${badLabel} is neither 0 nor 1 nor missing`);
  }
}

export function* chunksOf({ features, labels, n }: TrainingRows, inputs: number): Generator<RowChunk> {
  for (let start = 0; start < n; start += CHUNK_ROWS) {
    const end = Math.min(start + CHUNK_ROWS, n);
    const some = labels.subarray(start, end);
    yield {
      n: end - start,
      features: withOnes(features.subarray(start * inputs, end * inputs), inputs),
      labels: some.map((label) => (Number.isNaN(label) ? 0 : label)),
      labelled: some.map((label) => (Number.isNaN(label) ? 0 : 1)),
    };
  }
}

function withOnes(features: Float32Array, inputs: number): Float32Array {
  const n = features.length / inputs;
  const extended = new Float32Array(n * (inputs + 1)).fill(1);
  for (let row = 0; row < n; row++) {
    extended.set(features.subarray(row * inputs, (row + 1) * inputs), row * (inputs + 1));
  }
  return extended;
}
