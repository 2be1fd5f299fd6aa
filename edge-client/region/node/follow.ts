/** A node's part in one task: with each state of its round, decide, train, report; what passes is waited out. */
import {
  FeatureError,
  isPassing,
  participate,
  watchRound,
  type Contributed,
  type Participant,
  type StayHome,
} from '@twinkeep/edge-client/fleet';
import type { LoggedStatement, RoundOffer, TaskSpec } from '@twinkeep/protocol';
import { pause } from '../process/lifecycle.ts';
import { errorFields, type Logger } from '../process/logger.ts';

export interface FollowDeps {
  participant: Participant;
  /** Brings the twins up to date before a round. */
  prepare: (task: TaskSpec, offer: RoundOffer) => Promise<void>;
  log: Logger;
}

const RETRY_MILLIS = 1_000;

/** Until the task is finished or the signal ends it. @throws what the coordinator refuses for good */
export async function followTask(
  deps: FollowDeps,
  task: LoggedStatement<TaskSpec>,
  stop: AbortSignal,
): Promise<void> {
  const { participant, log } = deps;
  const { taskId } = task.statement.body;
  const onTrouble = (error: unknown): void =>
    log.warn({ taskId, ...errorFields(error) }, 'the coordinator cannot be reached');
  for await (const offer of watchRound(participant.transport, taskId, { signal: stop, onTrouble })) {
    if (offer.state === 'finished') return log.info({ taskId }, 'the task is finished');
    await takePart(deps, task, offer, stop);
  }
}

/** Tries again, for as long as the round may still take a report, where the network was in the way. */
async function takePart(
  { participant, prepare, log }: FollowDeps,
  task: LoggedStatement<TaskSpec>,
  offer: RoundOffer,
  stop: AbortSignal,
): Promise<void> {
  const closeAt = offer.config?.statement.body.closeAt ?? 0;
  while (!stop.aborted) {
    try {
      await prepare(task.statement.body, offer);
      const outcome = await participate(participant, task, offer, stop);
      logOutcome(log, offer, outcome);
      if (!('reported' in outcome) || outcome.reported !== 'pending') return;
    } catch (error) {
      if (stop.aborted) return;
      log.warn({ taskId: offer.taskId, ...errorFields(error) }, 'the round failed here');
      // An import may have dropped features between the preparation and the round.
      const stale = error instanceof FeatureError && error.code === 'features/other-plan';
      if (!stale && !isPassing(error)) return;
    }
    if (participant.clock() >= closeAt) return;
    await pause(RETRY_MILLIS, stop);
  }
}

/** What every state of a round brings along. */
const QUIET: readonly string[] = ['no-round', 'already-reported'];

function logOutcome(log: Logger, offer: RoundOffer, outcome: Contributed | StayHome): void {
  const { taskId } = offer;
  const round = offer.config?.statement.body.round;
  if ('stayHome' in outcome) {
    const { stayHome, detail } = outcome;
    log[QUIET.includes(stayHome) ? 'debug' : 'info']({ taskId, round, stayHome, detail }, 'stays home');
    return;
  }
  const { reported, code, twins } = outcome;
  const { trainers, heldOut, unlabelled, denied } = twins;
  const counts = { trainers: trainers.n, heldOut: heldOut.n, unlabelled, denied: Object.fromEntries(denied) };
  log.info({ taskId, round, reported, code, ...counts }, 'contributed');
}
