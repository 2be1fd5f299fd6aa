/**
 * One task, round after round, as long as this tab leads: wait for an offer, take part, say how it stands. What is in the way is waited
 * out and said in one sentence; nothing ends this but a finished task or the signal.
 */
import type { LoggedStatement, RoundOffer, RoundResult, TaskSpec } from '@twinkeep/protocol';
import { watchRound } from '../transport/device.ts';
import { isPassing } from '../transport/errors.ts';
import { createBell, linkAbort } from './bell.ts';
import type { Board } from './board.ts';
import type { ConditionsWatch } from './conditions.ts';
import type { Heeding } from './heeding.ts';
import type { Home } from './home.ts';
import type { Insight } from './insight.ts';
import { createAttempt, type Attempt } from './part.ts';
import type { Restarts } from './restarts.ts';
import type { SayTrouble } from './say-trouble.ts';
import { codeOf } from './trouble.ts';

export interface FollowDeps {
  home: Home;
  board: Board;
  conditions: ConditionsWatch;
  insight: Insight;
  heeding: Heeding;
  /** Ends the current wait or work of every task, which then starts anew: consent or clock have changed. */
  restarts: Restarts;
  sayTrouble: SayTrouble;
  /** One round at a time, whatever the number of tasks. */
  oneAtATime: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Milliseconds before something that failed is tried again. */
const RETRY = 2_000;
const RETRY_LATER = 30_000;
/** The same where the storage is full: the person may make room. */
const RETRY_WITH_ROOM = 10_000;

export async function followTask(deps: FollowDeps, taskId: string, stop: AbortSignal): Promise<void> {
  const { board, conditions, restarts } = deps;
  const attempt = createAttempt(deps, taskId);
  const bell = createBell();
  const unwatch = conditions.onChange(bell.ring);
  try {
    while (!stop.aborted) {
      const round = board.of(taskId).round;
      const pause = conditions.pause();
      if (pause !== null) {
        board.sayWhy(taskId, { round, state: 'waiting' }, pause);
        await bell.wait(RETRY_LATER, stop);
        continue;
      }
      const session = linkAbort(stop);
      const unlisten = conditions.onChange(() => conditions.pause() !== null && session.abort());
      const unhook = restarts.add(session);
      try {
        if (await followSession(deps, taskId, attempt, session.signal)) return;
      } catch (error) {
        if (!session.signal.aborted) {
          deps.sayTrouble(taskId, error);
          const later = codeOf(error) === 'store/full' ? RETRY_WITH_ROOM : RETRY_LATER;
          await bell.wait(later, session.signal);
        }
      } finally {
        unlisten();
        unhook();
        session.release();
      }
    }
  } finally {
    unwatch();
  }
}

/** @returns true where the task is finished */
async function followSession(
  deps: FollowDeps,
  taskId: string,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<boolean> {
  const { home, board } = deps;
  home.tasks.sayMissing(taskId);
  const task = await home.tasks.awaitTask(taskId, signal);
  if (task === null) return false;
  if (board.of(taskId).state !== 'accepted') sayWaiting(board, taskId);
  const onTrouble = (error: unknown): void => deps.sayTrouble(taskId, error);
  for await (const offer of watchRound(home.transport, taskId, { signal, onTrouble })) {
    await announceResult(deps, task.statement.body, offer);
    if (offer.state === 'finished') {
      board.sayWhy(taskId, { round: board.of(taskId).round, state: 'finished' }, 'task-finished');
      return true;
    }
    await deps.oneAtATime(() => takePart(deps, attempt, task, offer, signal));
  }
  return false;
}

/**
 * Tries again, for as long as the round may still take a report, where the network was in the way.
 * @throws StoreError 'store/full': who makes room may take long, and the round goes on meanwhile
 */
async function takePart(
  deps: FollowDeps,
  attempt: Attempt,
  task: LoggedStatement<TaskSpec>,
  offer: RoundOffer,
  signal: AbortSignal,
): Promise<void> {
  const { home, heeding } = deps;
  const closeAt = offer.config?.statement.body.closeAt ?? 0;
  // A no that another device has signed counts before anything leaves this one.
  if (home.platform.clock() < closeAt) await heeding.heed();
  const bell = createBell();
  while (!signal.aborted) {
    try {
      if (await attempt(task, offer, signal)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (codeOf(error)?.startsWith('auth/credential') === true) home.credentials.forget();
      deps.sayTrouble(offer.taskId, error, offer.config?.statement.body.round);
      const stale = codeOf(error) === 'features/other-plan' || codeOf(error) === 'no-credential';
      if (codeOf(error) === 'store/full') throw error;
      if (!stale && !isPassing(error)) return;
    }
    if (home.platform.clock() >= closeAt) return;
    await bell.wait(RETRY, signal);
  }
}

/** A result that is genuine and news. One that is not genuine says nothing; the round check says why the twin stays home. */
async function announceResult(
  { home, board, insight }: FollowDeps,
  task: TaskSpec,
  offer: RoundOffer,
): Promise<void> {
  try {
    const result = await (await insight.models()).see(task, offer.lastResult);
    if (result === null) return;
    board.say(task.taskId, await endedState(home, result));
    insight.look();
  } catch (error) {
    if (codeOf(error) === null && !(error instanceof Error)) throw error;
    home.emit('problem', {
      code: 'history-broken',
      why: 'A result of a round is not genuine.',
      detail: String(codeOf(error)),
    });
  }
}

async function endedState({ store }: Home, result: RoundResult): Promise<Parameters<Board['say']>[1]> {
  const { taskId, rcHash, round, kind, status, count, twins, evaluation, modelOut } = result;
  const reports = await store.readReports(taskId);
  const reported = reports.some((report) => report.rcHash === rcHash && report.outcome === 'accepted');
  const why =
    status === 'sealed'
      ? `Round ${round} has ended: the sum of ${count} reports was opened${reported ? ', this one among them' : ''}.`
      : `Round ${round} was given up; no sum was opened.`;
  const figures = evaluation && { twins: evaluation.twins, auc: evaluation.auc, logLoss: evaluation.logLoss };
  return {
    round,
    state: 'ended',
    why,
    result: { round, kind, status, count, twins, reported, evaluation: figures, model: modelOut },
  };
}

function sayWaiting(board: Board, taskId: string): void {
  board.say(taskId, {
    round: board.of(taskId).round,
    state: 'waiting',
    why: 'The twin waits for a round.',
  });
}
