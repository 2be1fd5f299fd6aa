/** Ending a round: result, scrubbing, and the proposal of the next round, in the transaction of the step that ended it. */
import { type RoundResult, signStatement, statementName } from '@twinkeep/protocol';
import { scrubRound } from '../store/reports.ts';
import { HELPERS_TOPIC, taskTopic } from '../store/revisions.ts';
import { saveRound } from '../store/rounds.ts';
import type { Tx } from '../store/schema.ts';
import { lockTask, saveTask, type StoredTask } from '../store/tasks.ts';
import { opensAfter } from './close.ts';
import type { RoundDeps } from './deps.ts';
import { proposeRound } from './open.ts';
import type { RunningRound } from './running.ts';

export async function endRound(tx: Tx, deps: RoundDeps, running: RunningRound): Promise<void> {
  const { round, now, topics } = running;
  const task = await lockTask(tx, round.taskId);
  const result = await signStatement('round-result', roundResult(running), deps.key);
  round.resultHash = statementName(result);
  await deps.journal.publish(tx, [result], now);
  await scrubRound(tx, round.rcHash);
  await saveRound(tx, round);
  moveTaskOn(task, running, round.resultHash);
  if (task.open_at === now) await proposeRound(tx, deps, task, running.task, now);
  await saveTask(tx, task);
  topics.add(taskTopic(round.taskId)).add(HELPERS_TOPIC);
}

/** An abandoned round changes nothing but the number of the next, and perhaps what has to happen before it. */
function moveTaskOn(task: StoredTask, running: RunningRound, resultHash: string): void {
  const { round, config, opened, now } = running;
  const { phase, reason } = round.state;
  task.last_result = resultHash;
  task.state = 'waiting';
  if (phase === 'abandoned') {
    task.abandoned_in_a_row += 1;
    task.open_at = opensAfter(config, round.state, task.abandoned_in_a_row, now);
    // Too few are held out: training does not wait for them. After it, a task has nothing else to wait for.
    if (
      config.kind === 'evaluate' &&
      reason === 'too-few-reports' &&
      task.rounds_trained < running.task.rounds
    )
      task.evaluated = true;
    return;
  }
  task.abandoned_in_a_row = 0;
  task.open_at = now;
  task.evaluated = config.kind === 'evaluate';
  if (opened?.step) {
    task.model_hash = opened.step.modelHash;
    task.optimizer = opened.step.moments;
    task.rounds_trained += 1;
  }
  task.clip_l2 = opened?.clip?.next ?? task.clip_l2;
}

function roundResult({ round, config, set, opened }: RunningRound): RoundResult {
  const { phase, reason, disputed } = round.state;
  return {
    v: 1,
    taskId: config.taskId,
    round: config.round,
    kind: config.kind,
    rcHash: round.rcHash,
    scHash: round.scHash,
    status: phase === 'sealed' ? 'sealed' : 'abandoned',
    reason,
    modelIn: config.modelHash,
    modelOut: opened?.step?.modelHash ?? config.modelHash,
    count: set?.count ?? 0,
    twins: set?.twins ?? 0,
    sumHash: opened?.sumHash ?? null,
    evaluation: opened?.evaluation ?? null,
    clip: opened?.clip ?? null,
    disputed,
    purpose: config.purpose,
    categories: config.categories,
    consent: set?.consent ?? null,
    dropped: set?.dropped ?? [],
  };
}
