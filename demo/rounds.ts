/** Follows a task from its first round to its last, by the coordinator's public answers alone. */
import { epsilonFor, helperFamily, taskGrid, type RoundResult, type TaskSpec } from '@twinkeep/protocol';
import type { CoordinatorClient } from './coordinator.ts';
import { DemoError } from './errors.ts';
import type { PrivacyFigures } from './figures.ts';
import type { Progress } from './progress.ts';

export interface Finished {
  /** Hash of the model after the last training round. */
  model: string;
  /** As the coordinator read it from the histograms of the last, evaluating round; null where noise hides it. */
  secureAuc: number | null;
  secureAucError: number;
  privacy: PrivacyFigures | null;
  rounds: { sealed: number; abandoned: number; dropouts: number };
}

/**
 * @param now milliseconds
 * @throws DemoError 'demo/run' where the last round brings no figures, or no round ends well any more
 */
export async function followRounds(
  coordinator: CoordinatorClient,
  task: TaskSpec,
  nodes: number,
  onProgress: (progress: Progress) => void,
  now: () => number,
): Promise<Finished> {
  const { taskId } = task;
  const results: RoundResult[] = [];
  const sealedAt: number[] = [now()];
  let revision = 0;
  for (;;) {
    const offer = await coordinator.round(taskId, revision);
    if (offer === null) continue;
    revision = offer.rev;
    for (;;) {
      const page = await coordinator.results(taskId, results.at(-1)?.round ?? 0);
      if (page.length === 0) break;
      results.push(...page);
      for (const result of page) if (isTraining(result)) sealedAt.push(now());
    }
    onProgress(progressOf(task, nodes, results, sealedAt));
    requireHope(results);
    if (offer.state === 'finished') return finish(task, nodes, results);
  }
}

const MAX_ABANDONED = 6;

/** A task goes on for as long as it takes; a demo gives up. */
function requireHope(results: readonly RoundResult[]): void {
  const recent = results.slice(-MAX_ABANDONED);
  if (recent.length < MAX_ABANDONED || recent.some(({ status }) => status === 'sealed')) return;
  throw new DemoError(
    'demo/run',
    `The last ${MAX_ABANDONED} rounds ended without a sum (${recent.at(-1)?.reason}). Why nodes stay home stands in .twinkeep/run/logs.`,
  );
}

const isTraining = ({ status, kind }: RoundResult): boolean => status === 'sealed' && kind === 'train';
const RECENT = 10;

/** @param sealedAt when the task began, and when each training round was seen to be sealed */
export function progressOf(
  task: TaskSpec,
  nodes: number,
  results: readonly RoundResult[],
  sealedAt: readonly number[],
): Progress {
  const sealed = results.filter(({ status }) => status === 'sealed');
  const last = sealed.at(-1);
  const evaluated = sealed.findLast(({ evaluation }) => evaluation !== null)?.evaluation;
  const done = sealed.filter(isTraining).length;
  const recent = sealedAt.slice(-RECENT - 1);
  const elapsed = (recent.at(-1) ?? 0) - (recent[0] ?? 0);
  return {
    done,
    rounds: task.rounds,
    nodes,
    reports: last?.count ?? 0,
    twins: last?.twins ?? 0,
    dropouts: dropoutsOf(nodes, results),
    abandoned: results.length - sealed.length,
    auc: evaluated?.auc ?? null,
    logLoss: evaluated?.logLoss ?? null,
    heldOut: Math.round(evaluated?.twins ?? 0),
    aucError: evaluated?.aucError ?? 0,
    privacy: spending(task, done),
    secondsLeft: done === 0 ? null : ((elapsed / (recent.length - 1)) * (task.rounds - done)) / 1_000,
  };
}

/** Reports that a sum lacked: of nodes that were silent, late, refused or held back by a withdrawal. */
function dropoutsOf(nodes: number, results: readonly RoundResult[]): number {
  return results
    .filter(({ status }) => status === 'sealed')
    .reduce((sum, { count }) => sum + Math.max(0, nodes - count), 0);
}

function finish(task: TaskSpec, nodes: number, results: readonly RoundResult[]): Finished {
  const last = results.at(-1);
  const { done, dropouts, abandoned } = progressOf(task, nodes, results, []);
  const secureAuc = last?.kind === 'evaluate' ? (last.evaluation?.auc ?? null) : null;
  if (last === undefined || (secureAuc === null && task.privacy.mech === 'none'))
    throw new DemoError(
      'demo/run',
      'The last round was to evaluate the final model, and brought no AUC: were there held-out customers of both classes?',
    );
  return {
    model: last.modelOut,
    secureAuc,
    secureAucError: last.evaluation?.aucError ?? 0,
    rounds: { sealed: done, abandoned, dropouts },
    privacy: privacyFigures(task, results),
  };
}

/** Whoever took part in every round so far has spent this much. */
function spending({ privacy }: TaskSpec, trainings: number): Progress['privacy'] {
  if (privacy.mech === 'none') return null;
  const { noiseMultiplier, delta, epsilon, trainings: cap } = privacy;
  const spent = trainings === 0 ? 0 : epsilonFor({ noiseMultiplier, delta, participations: trainings });
  return { spent, epsilon, trainings, cap };
}

function privacyFigures(task: TaskSpec, results: readonly RoundResult[]): PrivacyFigures | null {
  const { privacy, helpers } = task;
  if (privacy.mech === 'none') return null;
  const { epsilon, delta, noiseMultiplier } = privacy;
  const cohorts = results.filter(isTraining).map(({ twins }) => twins);
  const mean = cohorts.reduce((sum, twins) => sum + twins, 0) / cohorts.length;
  const { sigmaSquared, unit } = taskGrid(task);
  const deviation = Math.sqrt(sigmaSquared * helperFamily(helpers.m, helpers.c).length);
  const { spent, trainings, cap } = spending(task, cohorts.length) as NonNullable<Progress['privacy']>;
  return {
    epsilon,
    delta,
    noiseMultiplier,
    spent: { epsilon: spent, trainings, cap },
    cohort: { least: Math.min(...cohorts), mean },
    noise: deviation / unit / mean,
  };
}
