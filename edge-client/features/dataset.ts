/**
 * G1, from features to a training set: a vector is made only with the leave of its twin (`Contribution`), from categories that it
 * allows, and a set only from vectors whose twins gave leave for this very round. Vectors stay on this machine.
 */
import type { Category } from '@twinkeep/consent';
import { inputWidth, type TaskSpec } from '@twinkeep/protocol';
import type { Contribution } from '../consent-chain.ts';
import type { TrainingRows } from '../train/engine.ts';
import { FeatureError } from './errors.ts';
import { featureRow, labelOf } from './row.ts';
import type { FeatureState } from './state.ts';

declare const extracted: unique symbol;
declare const assembled: unique symbol;

/** One twin's row for one task. May be kept from round to round as long as its features and the allowed categories stay. */
export interface FeatureVector {
  readonly subject: string;
  readonly taskId: string;
  readonly categories: ReadonlySet<Category>;
  readonly inputs: Float32Array;
  /** 0 or 1. */
  readonly label: number;
  readonly [extracted]: true;
}

export interface TrainingSet extends TrainingRows {
  readonly taskId: string;
  /** Whose rows these are, in their order. */
  readonly subjects: readonly string[];
  /** Milliseconds since 1970: until when every leave in here counts. */
  readonly until: number;
  readonly [assembled]: true;
}

/** @returns null where the twin has no label for the task: it has nothing to lend. @throws FeatureError 'features/not-planned' */
export function extractVector(
  state: FeatureState,
  task: TaskSpec,
  leave: Contribution,
): FeatureVector | null {
  const { subject, taskId, categories } = leave;
  if (taskId !== task.taskId) throw mismatch('the leave was given for another task');
  const { label, asOf } = labelOf(state, task);
  if (asOf === null || Number.isNaN(label)) return null;
  return {
    subject,
    taskId,
    categories,
    inputs: featureRow(state, task, asOf, categories),
    label,
  } as FeatureVector;
}

/** @param rows of distinct twins, each with the leave that it gave for this round. @throws FeatureError 'features/not-planned' */
export function assembleSet(
  task: TaskSpec,
  rows: readonly { leave: Contribution; vector: FeatureVector }[],
): TrainingSet {
  const { taskId } = task;
  const width = inputWidth(task.features);
  const features = new Float32Array(rows.length * width);
  rows.forEach(({ leave, vector }, i) => {
    if (!belongTogether(leave, vector) || leave.taskId !== taskId || vector.inputs.length !== width)
      throw mismatch('a vector was made for another task, twin or leave');
    features.set(vector.inputs, i * width);
  });
  const subjects: readonly string[] = rows.map(({ leave }) => leave.subject);
  if (new Set(subjects).size !== subjects.length) throw mismatch('a twin has two vectors');
  const labels = Float32Array.from(rows, ({ vector }) => vector.label);
  const until = Math.min(Infinity, ...rows.map(({ leave }) => leave.until));
  return { features, labels, n: rows.length, taskId, subjects, until } as TrainingSet;
}

function belongTogether(leave: Contribution, { subject, taskId, categories }: FeatureVector): boolean {
  return leave.subject === subject && leave.taskId === taskId && equalSets(leave.categories, categories);
}

function equalSets(a: ReadonlySet<Category>, b: ReadonlySet<Category>): boolean {
  return a.size === b.size && [...a].every((category) => b.has(category));
}

function mismatch(message: string): FeatureError {
  return new FeatureError('features/not-planned', message);
}
