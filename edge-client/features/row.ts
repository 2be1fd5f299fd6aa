/** A twin's inputs and label for a task, from its feature state. */
import { DAY_MILLIS, type Category } from '@twinkeep/consent';
import { inputWidth, transformWidth, type AttributeValue, type TaskSpec } from '@twinkeep/protocol';
import { aggregateValue, isKept } from './aggregate.ts';
import { FeatureError } from './errors.ts';
import { dayOf, type FeatureState } from './state.ts';
import { writeInputs } from './transform.ts';

/**
 * @param asOf milliseconds since 1970; events of later days are not seen
 * @param allowed consented categories: the inputs of any other are 0, as if nothing were known
 * @returns `inputWidth(task.features)` inputs
 * @throws FeatureError 'features/not-planned', 'features/not-kept'
 */
export function featureRow(
  state: FeatureState,
  task: TaskSpec,
  asOf: number,
  allowed: ReadonlySet<Category>,
): Float32Array {
  const row = new Float32Array(inputWidth(task.features));
  let at = 0;
  for (const feature of task.features) {
    if (allowed.has(feature.category)) {
      writeInputs(feature.transform, aggregateValue(state, feature, dayOf(asOf)), row, at);
    }
    at += transformWidth(feature.transform);
  }
  return row;
}

export interface TwinLabel {
  /** 0 or 1; NaN where it is not known, or where the features of its day are no longer kept. */
  label: number;
  /** The instant as of which the features belong to it; null where no label event came. */
  asOf: number | null;
}

/** @throws FeatureError 'features/not-planned' */
export function labelOf(state: FeatureState, task: TaskSpec): TwinLabel {
  const index = state.plan.labels.findIndex(({ taskId }) => taskId === task.taskId);
  if (index < 0) throw new FeatureError('features/not-planned', `task ${task.taskId} is not in the plan`);
  const known = state.labels[index];
  if (!known) return { label: Number.NaN, asOf: null };
  const asOf = known.time - task.label.horizonDays * DAY_MILLIS;
  const readable = isKept(state, task.features, dayOf(asOf));
  return { label: readable ? labelValue(task, known.value) : Number.NaN, asOf };
}

function labelValue({ label: { positive, negative } }: TaskSpec, value: AttributeValue): number {
  if (positive.includes(value)) return 1;
  return negative.includes(value) ? 0 : Number.NaN;
}
