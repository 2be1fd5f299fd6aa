/** Ending a round: result, scrubbing, and the next round, in the transaction of the step that ended it. */
import { signStatement, type RoundResult, type Statement } from '@twinkeep/protocol';
import { statementName } from '../log/journal.ts';
import { scrubRound } from '../store/reports.ts';
import { taskTopic } from '../store/revisions.ts';
import { saveRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import { lockTask, saveTask, type StoredTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';
import { planRound, startRound } from './open.ts';
import type { RunningRound } from './running.ts';

/** After so many abandoned rounds in a row, the next one waits: 0, 1, 2, 4 ... seconds, at most a minute. */
const LONGEST_PAUSE = 60_000;

export async function endRound(tx: Tx, deps: RoundDeps, running: RunningRound): Promise<void> {
  const { round, now, topics } = running;
  const task = await lockTask(tx, round.taskId);
  const result = await signStatement('round-result', roundResult(running), deps.key);
  round.resultHash = statementName(result);
  moveTaskOn(task, running, round.resultHash);
  const next =
    task.state === 'waiting' && task.open_at === now
      ? await planRound(tx, deps, task, running.task, now)
      : null;

  const published: Statement<unknown>[] = next === null ? [result] : [result, next];
  await deps.journal.publish(tx, published, now);
  await scrubRound(tx, round.rcHash);
  await saveRound(tx, round);
  if (next !== null) await startRound(tx, task, next, now);
  await saveTask(tx, task);
  topics.add(taskTopic(round.taskId));
}

/** A task is over when the round that only evaluates is sealed. An abandoned round changes nothing but the number of the next. */
function moveTaskOn(
  task: StoredTask,
  { round, config, opened, now }: RunningRound,
  resultHash: string,
): void {
  task.last_result = resultHash;
  if (round.state.phase === 'abandoned') {
    task.abandoned_in_a_row += 1;
    task.state = 'waiting';
    task.open_at = now + pause(task.abandoned_in_a_row);
    return;
  }
  task.abandoned_in_a_row = 0;
  if (opened?.step) {
    task.model_hash = opened.step.modelHash;
    task.optimizer = opened.step.moments;
    task.rounds_trained += 1;
  }
  const finished = config.kind === 'evaluate';
  task.state = finished ? 'finished' : 'waiting';
  task.open_at = finished ? null : now;
}

function pause(abandoned: number): number {
  return abandoned < 2 ? 0 : Math.min(LONGEST_PAUSE, 1_000 * 2 ** (abandoned - 2));
}

function roundResult({ round, config, set, opened }: RunningRound): RoundResult {
  const sealed = round.state.phase === 'sealed';
  return {
    v: 1,
    taskId: config.taskId,
    round: config.round,
    kind: config.kind,
    rcHash: round.rcHash,
    scHash: round.scHash,
    status: sealed ? 'sealed' : 'abandoned',
    reason: round.state.reason,
    modelIn: config.modelHash,
    modelOut: opened?.step?.modelHash ?? config.modelHash,
    count: set?.count ?? 0,
    twins: set?.twins ?? 0,
    sumHash: opened?.sumHash ?? null,
    evaluation: opened?.evaluation ?? null,
    clip: null,
    disputed: [],
    purpose: config.purpose,
    categories: config.categories,
    consent: set?.consent ?? null,
    dropped: set?.dropped ?? [],
  };
}
