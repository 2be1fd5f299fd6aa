/**
 * Closing an abandoned round. Where sums carry no noise, a second report of somebody on the same model would open the first by subtraction if
 * both sets were opened; so the next round waits until the helpers have said that the abandoned one never was and never will be. Where too
 * many of them cannot say so, the task stands still for good: that is the price of sums without noise.
 */
import { canonicalJson } from '@twinkeep/audit';
import { helperCloseSchema, ProblemError, showUnopened, type RoundConfig } from '@twinkeep/protocol';
import { insertClose, readCloses } from '../store/closes.ts';
import { raiseRevisions, taskTopic } from '../store/revisions.ts';
import { lockTask, saveTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';
import { verifyHelper, withRound, type HelperMessage } from './helper-message.ts';
import type { RoundState } from './machine.ts';

/** After so many abandoned rounds in a row, the next one waits: 0, 1, 2, 4 ... seconds, at most a minute. */
const LONGEST_PAUSE = 60_000;

/** A configuration without enough signatures has no reports, and noise makes a second report a second participation. */
export function waitsForCloses(config: RoundConfig, { phase, cosigned }: RoundState): boolean {
  return phase === 'abandoned' && config.dp.mech === 'none' && cosigned.length >= config.q;
}

/** @param abandoned rounds in a row, the last one included */
export function pauseAfter(abandoned: number): number {
  return abandoned < 2 ? 0 : Math.min(LONGEST_PAUSE, 1_000 * 2 ** (abandoned - 2));
}

/**
 * Takes a helper's close of an abandoned round; with enough of them the task goes on. The same close again changes nothing.
 * @throws ProblemError 'helper/statement', 'helper/conflict', 'round/closed' where the round is not one to be closed
 */
export async function takeClose(deps: RoundDeps, message: HelperMessage): Promise<void> {
  const statement = verifyHelper(message, 'helper-close', helperCloseSchema);
  await withRound(deps, 'close', message, async (tx, { round, config, now }) => {
    const { rcHash, j } = message;
    const closes = (await readCloses(tx, [rcHash])).get(rcHash) ?? [];
    const before = closes.find(({ body }) => body.j === j);
    if (before !== undefined) {
      if (canonicalJson(before) !== canonicalJson(statement)) throw new ProblemError('helper/conflict');
      return;
    }
    if (!waitsForCloses(config, round.state)) throw new ProblemError('round/closed');
    await insertClose(tx, rcHash, j, statement);
    const enough = showUnopened(
      config,
      [...closes, statement].map(({ body }) => body),
    );
    const task = await lockTask(tx, round.taskId);
    if (!enough || task.last_result !== round.resultHash || task.open_at !== null) return;
    if (task.state !== 'waiting') return;
    task.open_at = Math.max(now, (round.state.endedAt as number) + pauseAfter(task.abandoned_in_a_row));
    await saveTask(tx, task);
    await raiseRevisions(tx, [taskTopic(round.taskId)]);
  });
}
