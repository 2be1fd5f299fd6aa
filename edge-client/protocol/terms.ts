/**
 * What a task alone says about each of its rounds. The coordinator makes configurations of it; helpers and twins, who have the task from
 * the log, make it themselves and compare.
 */
import { bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';
import { planGrid, type GridPlan } from './grid.ts';
import { reportLayout, type ReportLayout } from './layout.ts';
import { parameterCount } from './model.ts';
import type { RoundConfig, RoundOperation } from './round.ts';
import type { TaskSpec } from './task.ts';

/** Fields of a configuration that follow from the task. */
export type RoundTerms = Omit<
  RoundConfig,
  | 'taskHash'
  | 'round'
  | 'kind'
  | 'prevResultHash'
  | 'modelHash'
  | 'clientBuildHash'
  | 'rotation'
  | 'clipL2'
  | 'helpers'
  | 'issuerKeys'
  | 'openAt'
  | 'closeAt'
  | 'ackDeadline'
  | 'revealDeadline'
>;

export function taskLayout({ model, evaluation, privacy }: TaskSpec): ReportLayout {
  const adapts = privacy.mech !== 'none' && privacy.adaptiveClip !== null;
  return reportLayout(parameterCount(model), evaluation.bins, adapts ? 1 : 0);
}

/** What consent is asked for: to learn from people, and to make invented ones after their likeness, are two questions. */
export function taskOperation({ model }: Pick<TaskSpec, 'model'>): RoundOperation {
  return model.kind === 'marginals' ? 'synthesise' : 'contribute';
}

/** @throws ProtocolError 'protocol/headroom' */
export function taskGrid(task: TaskSpec): GridPlan {
  const { bits, privacy, floors, helpers } = task;
  return planGrid({
    bits,
    maxTwins: floors.maxTwins,
    dPadded: taskLayout(task).dPadded,
    noise:
      privacy.mech === 'none'
        ? null
        : {
            multiplier: privacy.noiseMultiplier,
            trainings: privacy.trainings,
            evaluations: privacy.evaluations,
            clipNoise: privacy.adaptiveClip?.noise ?? null,
            helpers,
          },
  });
}

export function roundTerms(task: TaskSpec): RoundTerms {
  const { d, dPadded, evaluationLength, clipLength } = taskLayout(task);
  const { unit, evaluationUnit, clipStep, qTwin, sigmaSquared } = taskGrid(task);
  const { taskId, floors, helpers, privacy, purpose, sector, categories } = task;
  return {
    v: 1,
    taskId,
    modelBytesLen: 4 * d,
    archHash: bytesToBase64Url(sha256(canonicalBytes(task.model))),
    d,
    dPadded,
    evaluationLength,
    clipLength,
    b: task.bits,
    unit,
    evaluationUnit,
    clipStep,
    qTwin,
    rounding: { beta: 0 },
    dp:
      privacy.mech === 'none'
        ? { mech: 'none' }
        : {
            mech: 'discrete-gaussian',
            where: 'helpers',
            noiseMultiplier: privacy.noiseMultiplier,
            sigmaSquared,
            trainings: privacy.trainings,
            evaluations: privacy.evaluations,
            epsilon: privacy.epsilon,
            delta: privacy.delta,
          },
    groups: { G: 1 },
    nMin: floors.nMin,
    nTarget: floors.nTarget,
    minTwins: floors.minTwins,
    maxTwins: floors.maxTwins,
    c: helpers.c,
    mode: helpers.mode,
    q: helpers.q,
    purpose,
    operation: taskOperation(task),
    sector,
    categories,
  };
}

/**
 * Whether a round trains or evaluates. Without noise every training round evaluates too, and one evaluating round follows. With noise a held-out
 * twin can afford `evaluations` of them, spread over the task; the last is after the last training.
 * @param trained training rounds sealed so far; @param evaluated whether their model has been evaluated
 */
export function nextRoundKind(task: TaskSpec, trained: number, evaluated: boolean): RoundConfig['kind'] {
  if (trained >= task.rounds) return 'evaluate';
  if (task.privacy.mech === 'none' || trained === 0 || evaluated) return 'train';
  return trained % Math.ceil(task.rounds / task.privacy.evaluations) === 0 ? 'evaluate' : 'train';
}
