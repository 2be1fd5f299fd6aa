/** How a task comes along, for people: public figures only. */
import { roundRho, zcdpEpsilon, type RoundConfig, type RoundResult, type TaskSpec } from '@twinkeep/protocol';
import {
  MAX_PROGRESS_ROUNDS,
  type EndedRound,
  type OpenRound,
  type Spending,
  type TaskPrivacy,
  type TaskProgress,
} from '../api.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { readConfig } from '../rounds/running.ts';
import { readCounts } from '../store/participations.ts';
import { endedRounds, openRounds, type StoredRound } from '../store/rounds.ts';
import type { Db } from '../store/schema.ts';
import type { StoredTask } from '../store/tasks.ts';

type Reading = Pick<RoundDeps, 'db' | 'statements'>;

/** @param after ended rounds with a later number */
export async function readProgress(deps: Reading, task: StoredTask, after: number): Promise<TaskProgress> {
  const { db, statements } = deps;
  const { body: spec } = await statements.read<TaskSpec>(db, task.task_hash, 'task');
  const ended = await endedRounds(db, task.task_id, after, MAX_PROGRESS_ROUNDS);
  const [open] = await openRounds(db, task.task_id);
  const progress: TaskProgress = {
    taskId: task.task_id,
    title: spec.title,
    state: task.state,
    rounds: spec.rounds,
    trained: task.rounds_trained,
    endedBecause: task.ended,
    waitsFor: task.state === 'waiting' && task.open_at === null ? 'helper-closes' : null,
    privacy: await readPrivacy(db, spec),
    open: open === undefined ? null : await toOpenRound(deps, open),
    ended: [],
  };
  for (const round of ended) progress.ended.push(await toEndedRound(deps, round));
  return progress;
}

async function readPrivacy(db: Db, { taskId, privacy }: TaskSpec): Promise<TaskPrivacy | null> {
  if (privacy.mech === 'none') return null;
  const { noiseMultiplier, epsilon, delta } = privacy;
  const training = roundRho(noiseMultiplier);
  const spendingOf = async (kind: RoundConfig['kind'], cap: number, each: number): Promise<Spending> => {
    const counts = (await readCounts(db, taskId, kind)).map(({ participations, participants }) => {
      const rho = participations * each;
      return { participations, participants, rho, epsilon: zcdpEpsilon(rho, delta) };
    });
    return { cap, most: counts.at(-1)?.participations ?? 0, counts };
  };
  const trainings = await spendingOf('train', privacy.trainings, training);
  // The block of a held-out twin is scaled so that all evaluations cost no more than all trainings do.
  const evaluation = (privacy.trainings / privacy.evaluations) * training;
  const evaluations = await spendingOf('evaluate', privacy.evaluations, evaluation);
  // A twin trains or is held out, never both, so what a participant spent on each does not add up for any twin.
  const rho = Math.max(trainings.counts.at(-1)?.rho ?? 0, evaluations.counts.at(-1)?.rho ?? 0);
  const spent = { rho, epsilon: zcdpEpsilon(rho, delta) };
  return { noiseMultiplier, epsilon, delta, trainings, evaluations, spent };
}

async function toOpenRound(deps: Reading, { rcHash, round, state }: StoredRound): Promise<OpenRound | null> {
  const body = await readConfig(deps, rcHash);
  if (body === null) return null;
  const { reports, twins, phase, cosigned } = state;
  return {
    round,
    kind: body.kind,
    phase,
    cosigned,
    received: { reports, twins },
    nTarget: body.nTarget,
    closeAt: body.closeAt,
  };
}

async function toEndedRound({ db, statements }: Reading, ended: StoredRound): Promise<EndedRound> {
  const { state } = ended;
  const { body } = await statements.read<RoundResult>(db, ended.resultHash as string, 'round-result');
  const { round, kind, status, reason, count, twins, dropped, evaluation, clip, disputed } = body;
  return {
    round,
    kind,
    status,
    reason,
    received: { reports: state.reports, twins: state.twins },
    count,
    twins,
    dropped,
    evaluation,
    clip,
    disputed,
    responding: state.responding,
    openedAt: state.openedAt,
    closedAt: state.closedAt,
    fixedAt: state.fixedAt,
    endedAt: state.endedAt as number,
  };
}
