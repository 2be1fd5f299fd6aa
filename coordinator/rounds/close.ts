/**
 * Closing an abandoned round: helpers say that no sum of it was opened and none ever will be, and its reports are as if they had not been.
 *
 * Where sums carry no noise, a second report of somebody on the same model would otherwise open the first by subtraction, so the next round
 * waits for that. Where too many helpers cannot say so, the task stands still for good: that is the price of sums without noise. With noise the
 * next round waits a moment: without the closes the reports of the abandoned one stay participations, and cost their budget.
 */
import { canonicalJson } from '@twinkeep/audit';
import { helperCloseSchema, ProblemError, showUnopened, type RoundConfig } from '@twinkeep/protocol';
import { insertClose, readCloses } from '../store/closes.ts';
import { releaseSet } from '../store/participations.ts';
import { raiseRevisions, taskTopic } from '../store/revisions.ts';
import { lockTask, saveTask } from '../store/tasks.ts';
import type { RoundDeps } from './deps.ts';
import { verifyHelper, withRound, type HelperMessage } from './helper-message.ts';
import type { RoundState } from './machine.ts';

/** After so many abandoned rounds in a row, the next one waits: 0, 1, 2, 4 ... seconds, at most a minute. */
const LONGEST_PAUSE = 60_000;

/** How long the next round waits for closes that it can do without. */
const CLOSE_PATIENCE = 2_000;

/** A configuration without enough signatures has no reports. */
export function isClosable(config: RoundConfig, { phase, cosigned }: RoundState): boolean {
  return phase === 'abandoned' && cosigned.length >= config.q;
}

/** The next round does not open before they are in, however long that takes. */
export function waitsForCloses(config: RoundConfig, state: RoundState): boolean {
  return config.dp.mech === 'none' && isClosable(config, state);
}

/** When the round after an abandoned one may open; null: when the closes are in. @param abandoned rounds in a row, this one included */
export function opensAfter(
  config: RoundConfig,
  state: RoundState,
  abandoned: number,
  now: number,
): number | null {
  if (waitsForCloses(config, state)) return null;
  const pause = pauseAfter(abandoned);
  return now + (isClosable(config, state) ? Math.max(pause, CLOSE_PATIENCE) : pause);
}

/** @param abandoned rounds in a row, the last one included */
function pauseAfter(abandoned: number): number {
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
    if (!isClosable(config, round.state)) throw new ProblemError('round/closed');
    await insertClose(tx, rcHash, j, statement);
    const enough = showUnopened(
      config,
      [...closes, statement].map(({ body }) => body),
    );
    if (!enough) return;
    await releaseSet(tx, rcHash);
    const task = await lockTask(tx, round.taskId);
    if (task.last_result !== round.resultHash || task.state !== 'waiting') return;
    const openAt = Math.max(now, (round.state.endedAt as number) + pauseAfter(task.abandoned_in_a_row));
    if (task.open_at !== null && task.open_at <= openAt) return;
    task.open_at = openAt;
    await saveTask(tx, task);
    await raiseRevisions(tx, [taskTopic(round.taskId)]);
  });
}
