/** A small counting task, and records of people for it. */
import {
  COUNT_STEPS,
  initialWeights,
  marginalsOf,
  privacyFor,
  publishCounts,
  sumOfCounts,
  type CountedRows,
  type Feature,
  type TaskSpec,
} from '@twinkeep/protocol';
import { smallTask } from '../coordinator/support/task.ts';

const fact = (name: string, transform: Feature['transform']): Feature => ({
  name,
  category: 'behavioral',
  event: 'attribute.set',
  attribute: name,
  aggregate: { kind: 'last' },
  transform,
});

/** Cells without the one for "not known": 3, 4 and 2. */
export const COUNTED: Feature[] = [
  fact('plan', { kind: 'one-hot', vocabulary: ['basic', 'plus'], other: true }),
  fact('age', { kind: 'bucket', edges: [30, 45, 60] }),
  fact('mail', { kind: 'one-hot', vocabulary: [true, false], other: false }),
];

export function countingTask(changes: Partial<TaskSpec> = {}): TaskSpec {
  const { features = COUNTED } = changes;
  return smallTask({
    taskId: 'counts',
    title: 'Synthetic customers',
    purpose: 'https://w3id.org/dpv#ResearchAndDevelopment',
    categories: { required: ['behavioral'], optional: [] },
    features,
    model: marginalsOf(features),
    optimizer: { kind: 'publish' },
    rounds: COUNT_STEPS,
    evaluation: { bins: 16, logitRange: 8, maxLoss: 8, holdout: 0 },
    ...changes,
  });
}

export function noisyCounting(epsilon: number): TaskSpec {
  return countingTask({ privacy: privacyFor({ epsilon, delta: 1e-6, trainings: COUNT_STEPS }) });
}

/** By person: the label, and per feature its input, or null where it is not known. */
export type Person = readonly [label: number, ...inputs: (number | null)[]];

export function rowsOf({ features }: TaskSpec, people: readonly Person[]): CountedRows {
  const widths = marginalsOf(features).columns.map(({ cells }) => cells - 1);
  const width = widths.reduce((a, b) => a + b, 0);
  const rows = new Float32Array(people.length * width);
  people.forEach(([, ...inputs], i) => {
    let at = i * width;
    for (const [a, input] of inputs.entries()) {
      if (input !== null) rows[at + input] = 1;
      at += widths[a] as number;
    }
  });
  return { features: rows, labels: Float32Array.from(people, ([label]) => label), n: people.length };
}

/** What the steps publish where nothing is added to the sums but `noise`. */
export function countAll(
  task: TaskSpec,
  rows: CountedRows,
  noise: (sum: Float64Array) => Float64Array = (sum) => sum,
): Float32Array {
  let counts: Float32Array = initialWeights(task.model);
  for (let step = 0; step < COUNT_STEPS; step++)
    counts = publishCounts(task, counts, noise(sumOfCounts(task, counts, rows).sum));
  return counts;
}
