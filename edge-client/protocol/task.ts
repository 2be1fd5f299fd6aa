/**
 * A task: what is to be learned, from which signals, for which purpose, under which floors. It is published once, signed and
 * logged; a twin decides from it alone whether it takes part, and a person can read it.
 */
import { canonicalJson } from '@twinkeep/audit';
import { CATEGORIES, SECTORS, type Category, type Sector } from '@twinkeep/consent';
import * as v from 'valibot';
import { claimHolds } from './dp/accounting.ts';
import type { EvaluationSpec } from './evaluation.ts';
import { fewestHelpers, helperFamily } from './family.ts';
import { featureSchema, inputWidth, labelSchema, type Feature, type Label } from './features.ts';
import { taskGrid } from './terms.ts';
import { marginalsOf } from './marginals/spec.ts';
import { COUNT_STEPS } from './marginals/steps.ts';
import { parameterCount, taskModelSchema, type TaskModel } from './model.ts';
import type { ModulusBits } from './grid.ts';
import { ProtocolError } from './problem.ts';
import { firstIssue, taskIdSchema } from './schema.ts';

/**
 * How the coordinator turns the mean update of a round into the next model. `decay` is the share of the training rounds, at the end,
 * over which the learning rate falls linearly towards 0; 0: it stays.
 */
export type ServerOptimizer =
  | { kind: 'momentum'; learningRate: number; momentum: number; decay: number }
  | { kind: 'adam'; learningRate: number; beta1: number; beta2: number; epsilon: number; decay: number }
  /** Counts are published as they are opened. */
  | { kind: 'publish' };

/**
 * What an opened sum may reveal of one twin. `none`: the sum itself, exactly. `discrete-gaussian`: each helper set adds noise, and whoever
 * takes part at most `trainings` (or, held out, `evaluations`) times is protected with (epsilon, delta), zero-out of one twin.
 * `noiseMultiplier` says how much noise that is; `noiseMultiplierFor` finds it.
 */
export type PrivacySpec =
  | { mech: 'none' }
  | {
      mech: 'discrete-gaussian';
      noiseMultiplier: number;
      epsilon: number;
      delta: number;
      trainings: number;
      evaluations: number;
      /** Moves the clipping bound to the `quantile` of the norms (Andrew et al. 2021); `noise` in twins. Null: `clipL2` stays. */
      adaptiveClip: { quantile: number; learningRate: number; noise: number } | null;
    };

export interface TaskSpec {
  v: 1;
  taskId: string;
  /** One sentence for the person whose twin is asked. */
  title: string;
  /** DPV purpose IRI; consent is asked for it. */
  purpose: string;
  /** Of the controller, for this use: with where a subject is and the category, it decides which regime of consent counts. */
  sector: Sector;
  categories: { required: Category[]; optional: Category[] };
  features: Feature[];
  label: Label;
  model: TaskModel;
  /** L2 bound on one twin's update in one round; where it adapts, in the first. */
  clipL2: number;
  optimizer: ServerOptimizer;
  /** Training rounds; one evaluating round follows, so that the figures of the last model are known too. Counting takes three, and no more. */
  rounds: number;
  evaluation: EvaluationSpec;
  floors: {
    /** Fewest reports with distinct `sub` in a sum. */
    nMin: number;
    /** A round closes at this many reports, or at its deadline. */
    nTarget: number;
    /** Fewest twins in a node's report; a person's own device reports one twin and is exempt. */
    minTwins: number;
    /** Most twins in a sum: fixes the head-room of the fixed-point grid. */
    maxTwins: number;
  };
  /** `log`: witnesses hold a second set off; `quorum`: any two quorums share an honest helper. `q` helpers are needed in every step. */
  helpers: { m: number; c: number; mode: 'quorum' | 'log'; q: number };
  /** Bits of a word: less to send, less head-room. */
  bits: ModulusBits;
  privacy: PrivacySpec;
  /** Milliseconds: for reports, then for the helpers' acknowledgements, then for their sums. */
  windows: { collect: number; ack: number; reveal: number };
}

const int = (min: number, max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const real = (min: number, max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));
const categoriesSchema = v.pipe(v.array(v.picklist(CATEGORIES)), v.maxLength(CATEGORIES.length));

const optimizerSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('momentum'),
    learningRate: real(1e-6, 1e4),
    momentum: real(0, 0.9999),
    decay: real(0, 1),
  }),
  v.strictObject({
    kind: v.literal('adam'),
    learningRate: real(1e-6, 10),
    beta1: real(0, 0.9999),
    beta2: real(0, 0.99999),
    epsilon: real(1e-12, 1),
    decay: real(0, 1),
  }),
  v.strictObject({ kind: v.literal('publish') }),
]);

const privacySchema: v.GenericSchema<PrivacySpec> = v.variant('mech', [
  v.strictObject({ mech: v.literal('none') }),
  v.strictObject({
    mech: v.literal('discrete-gaussian'),
    noiseMultiplier: real(0.05, 1e4),
    epsilon: real(1e-3, 100),
    delta: real(1e-15, 1e-2),
    trainings: int(1, 100_000),
    evaluations: int(1, 100_000),
    adaptiveClip: v.nullable(
      v.strictObject({ quantile: real(0.01, 0.99), learningRate: real(1e-3, 2), noise: real(0.1, 1e6) }),
    ),
  }),
]);

export const taskSpecSchema: v.GenericSchema<TaskSpec> = v.strictObject({
  v: v.literal(1),
  taskId: taskIdSchema,
  title: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
  purpose: v.pipe(v.string(), v.url(), v.maxLength(200)),
  sector: v.picklist(SECTORS),
  categories: v.strictObject({
    required: v.pipe(categoriesSchema, v.minLength(1)),
    optional: categoriesSchema,
  }),
  features: v.pipe(v.array(featureSchema), v.minLength(1), v.maxLength(1_024)),
  label: labelSchema,
  model: taskModelSchema,
  clipL2: real(1e-6, 1e6),
  optimizer: optimizerSchema,
  rounds: int(1, 100_000),
  evaluation: v.strictObject({
    bins: int(16, 4_096),
    logitRange: real(1, 64),
    maxLoss: real(1, 64),
    holdout: real(0, 0.9),
  }),
  floors: v.strictObject({
    nMin: int(2, 1e6),
    nTarget: int(2, 1e6),
    minTwins: int(1, 1e6),
    maxTwins: int(2, 1e7),
  }),
  helpers: v.strictObject({ m: int(1, 8), c: int(0, 7), mode: v.picklist(['quorum', 'log']), q: int(1, 8) }),
  bits: v.picklist([20, 24, 32]),
  privacy: privacySchema,
  windows: v.strictObject({ collect: int(100, 864e5), ack: int(100, 864e5), reveal: int(100, 864e5) }),
});

/** Parses a task and checks what no single field shows. @throws ProtocolError 'protocol/task' with the field and what to do, 'protocol/family', 'protocol/headroom' */
export function parseTask(input: unknown): TaskSpec {
  const parsed = v.safeParse(taskSpecSchema, input);
  if (!parsed.success) throw new ProtocolError('protocol/task', firstIssue(parsed.issues));
  const task = parsed.output;
  const refuse = (message: string): never => {
    throw new ProtocolError('protocol/task', message);
  };
  const { required, optional } = task.categories;
  const named = [...required, ...optional];
  if (new Set(named).size !== named.length) refuse('categories: a category is named twice');
  const unnamed = task.features.find(({ category }) => !named.includes(category));
  if (unnamed !== undefined)
    refuse(`features: ${unnamed.name} uses ${unnamed.category}, which is not among the task's categories`);
  if (!required.includes(task.label.category))
    refuse('label: its category must be required, since training without it is not possible');
  if (new Set(task.features.map(({ name }) => name)).size !== task.features.length)
    refuse('features: two have one name');
  if (task.model.kind === 'marginals') requireCounting(task, refuse);
  else if (task.model.inputs !== inputWidth(task.features))
    refuse(`model.inputs: the features make ${inputWidth(task.features)} inputs`);
  else if (task.optimizer.kind === 'publish') refuse('optimizer: a network is not published as it is summed');
  if (task.floors.nTarget < task.floors.nMin) refuse('floors: nTarget is below nMin');
  const { m, c, mode, q } = task.helpers;
  helperFamily(m, c);
  const fewest = fewestHelpers(m, c, mode);
  if (q < fewest || q > m)
    refuse(`helpers: with m = ${m}, c = ${c} in ${mode} mode a round needs ${fewest} to ${m} of them`);
  requirePrivacy(task, refuse);
  taskGrid(task);
  if (parameterCount(task.model) > 16_000_000) refuse('model: more than 16 million parameters');
  return task;
}

/** A synthesis has steps instead of training rounds, holds nobody out, and has nothing to clip or to step along. */
function requireCounting(task: TaskSpec, refuse: (message: string) => never): void {
  try {
    if (canonicalJson(task.model) !== canonicalJson(marginalsOf(task.features)))
      refuse('model.columns: they are not those of the features');
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'protocol/model')
      refuse(`features: ${error.message}`);
    throw error;
  }
  if (task.rounds !== COUNT_STEPS) refuse(`rounds: counting takes ${COUNT_STEPS}`);
  if (task.optimizer.kind !== 'publish') refuse('optimizer: counts are published as they are');
  if (task.evaluation.holdout !== 0) refuse('evaluation.holdout: counting holds nobody out');
  if (task.privacy.mech !== 'none' && task.privacy.adaptiveClip !== null)
    refuse('privacy.adaptiveClip: every report of counts has one and the same norm');
}

function requirePrivacy({ privacy, rounds }: TaskSpec, refuse: (message: string) => never): void {
  if (privacy.mech === 'none') return;
  const { noiseMultiplier, adaptiveClip, trainings, epsilon, delta } = privacy;
  if (!claimHolds({ noiseMultiplier, participations: trainings, epsilon, delta }))
    refuse('privacy: so little noise does not give this epsilon; noiseMultiplierFor finds how much does');
  if (trainings > rounds) refuse('privacy: more trainings than the task has rounds');
  if (adaptiveClip !== null && 2 * adaptiveClip.noise <= noiseMultiplier)
    refuse('privacy.adaptiveClip: its noise must be more than half the noise multiplier');
}
