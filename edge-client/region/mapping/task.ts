/** A mapping as a task: features, label and categories follow from the columns, the rest from defaults and overrides. */
import {
  inputWidth,
  NOISY_SETTINGS,
  parseTask,
  standardPrivacy,
  type Feature,
  type TaskSpec,
  type Transform,
} from '@twinkeep/protocol';
import { DEFAULT_LABEL_EVENT, factColumns, mappingCategories, type Fact, type Mapping } from './mapping.ts';
import type { ModelOverrides, TaskOverrides } from './overrides.ts';

export const DEFAULT_ROUNDS = 60;
const DEFAULTS = {
  evaluation: { logitRange: 8, maxLoss: 8, holdout: 0.2 },
  floors: { nMin: 3, nTarget: 10, minTwins: 20, maxTwins: 100_000 },
  helpers: { m: 4, c: 1, mode: 'quorum', q: 3 },
  bits: 32,
  windows: { collect: 60_000, ack: 15_000, reveal: 15_000 },
} as const;
/** Where sums are exact. */
const EXACT_SETTINGS: typeof NOISY_SETTINGS = {
  clipL2: 4,
  optimizer: { kind: 'adam', learningRate: 0.07, beta1: 0.6, beta2: 0.8, epsilon: 1e-5, decay: 0.5 },
  bins: 400,
};
const HIDDEN = [16];

/**
 * The task that learns the mapping's label from its columns. Overrides win over the mapping's own `task` and `model`. Where neither says
 * anything of privacy, it is private to `STANDARD_EPSILON`, with every training round counted.
 * @throws ProtocolError 'protocol/task' where the settings do not fit together
 */
export function taskFromMapping(
  mapping: Mapping,
  overrides: TaskOverrides & { model?: ModelOverrides } = {},
): TaskSpec {
  const said = { ...mapping.task };
  const features = featuresFromMapping(mapping);
  const taskId = overrides.taskId ?? said.taskId ?? slug(mapping.title);
  const rounds = overrides.rounds ?? said.rounds ?? DEFAULT_ROUNDS;
  const privacy = overrides.privacy ?? said.privacy ?? standardPrivacy(rounds);
  const { bins, clipL2, optimizer } = privacy.mech === 'none' ? EXACT_SETTINGS : NOISY_SETTINGS;
  const group = <K extends 'floors' | 'helpers' | 'windows'>(key: K): TaskSpec[K] =>
    ({ ...DEFAULTS[key], ...said[key], ...overrides[key] }) as TaskSpec[K];
  return parseTask({
    v: 1,
    taskId,
    title: mapping.title,
    purpose: mapping.consent.purpose,
    sector: mapping.consent.sector ?? 'general',
    categories: mappingCategories(mapping),
    features,
    label: {
      category: mapping.label.category,
      event: mapping.label.event ?? DEFAULT_LABEL_EVENT,
      attribute: mapping.label.attribute ?? mapping.label.column,
      positive: mapping.label.positive,
      negative: mapping.label.negative,
      horizonDays: mapping.label.horizonDays,
    },
    model: {
      kind: 'mlp',
      inputs: inputWidth(features),
      outputs: 1,
      hidden: overrides.model?.hidden ?? mapping.model?.hidden ?? HIDDEN,
      activation: overrides.model?.activation ?? mapping.model?.activation ?? 'tanh',
      seed: overrides.model?.seed ?? mapping.model?.seed ?? taskId,
    },
    clipL2: overrides.clipL2 ?? said.clipL2 ?? clipL2,
    optimizer: overrides.optimizer ?? said.optimizer ?? optimizer,
    rounds,
    evaluation: { ...DEFAULTS.evaluation, bins, ...said.evaluation, ...overrides.evaluation },
    floors: group('floors'),
    helpers: group('helpers'),
    bits: overrides.bits ?? said.bits ?? DEFAULTS.bits,
    privacy,
    windows: group('windows'),
  });
}

function featuresFromMapping(mapping: Mapping): Feature[] {
  return factColumns(mapping).map(([, column]) => ({
    name: column.attribute,
    category: column.category,
    event: column.event,
    attribute: column.attribute,
    aggregate: { kind: 'last' },
    transform: transformOf(column),
  }));
}

function transformOf(column: Fact): Transform {
  return column.type === 'number'
    ? {
        kind: 'scale',
        bounds: column.bounds,
        curve: column.curve ?? 'linear',
        indicator: column.missingIndicator ?? false,
      }
    : { kind: 'one-hot', vocabulary: column.vocabulary, other: column.other ?? false };
}

function slug(title: string): string {
  const words = title
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return words.slice(0, 63).replace(/-+$/, '') || 'task';
}
