/**
 * Who works on rounds: of all tabs of an origin the one whose turn it is. It lets go when its page sleeps or closes, and the next tab goes
 * on from the store.
 */
import { refused } from '../twin/reasons.ts';
import { linkAbort, createBell } from './bell.ts';
import { createClockWatch } from './clock-watch.ts';
import type { FollowDeps } from './follow.ts';
import { readyParts } from './ready-parts.ts';
import { takeTurn, type TurnDeps } from './turn.ts';

export interface Participation {
  start(): void;
  stop(): Promise<void>;
  /** Whether this tab is the one that works. */
  leads(): boolean;
}

/** Milliseconds between two looks at the clocks. */
const TICK = 5_000;
const RETRY = 30_000;

/** @param askOthers told when another tab may lead: it is asked how its rounds stand */
export function createParticipation(
  deps: FollowDeps,
  askOthers: () => void,
  closing: AbortSignal,
): Participation {
  const { home, board, conditions } = deps;
  const { platform, settings } = home;
  let running: { controller: AbortController; done: Promise<void> } | null = null;
  let leading = false;

  const turn: TurnDeps = {
    locks: platform.locks,
    name: `${settings.name}/rounds`,
    ask: askOthers,
    heard: board.heard,
  };

  const lead = async (stop: AbortSignal): Promise<void> => {
    leading = true;
    try {
      await leadUntil(deps, stop);
    } finally {
      leading = false;
    }
  };

  const run = async (stop: AbortSignal): Promise<void> => {
    const bell = createBell();
    const unwatch = conditions.onChange(bell.ring);
    while (!stop.aborted) {
      if (conditions.now().asleep) {
        await bell.wait(RETRY, stop);
        continue;
      }
      const session = linkAbort(stop);
      const unlisten = conditions.onChange(() => conditions.now().asleep && session.abort());
      askOthers();
      try {
        await takeTurn(turn, session, () => lead(session.signal));
        // Every task is finished.
        if (!session.signal.aborted) return;
      } catch (error) {
        // An aborted wait for the lock is no failure.
        if (!session.signal.aborted) {
          home.emit('problem', { code: 'failed', ...refused('failed', String(error)) });
          await bell.wait(RETRY, stop);
        }
      } finally {
        unlisten();
        session.release();
      }
    }
    unwatch();
  };

  return {
    start() {
      if (running !== null) return;
      const controller = linkAbort(closing);
      running = { controller, done: run(controller.signal).finally(controller.release) };
    },
    async stop() {
      const ending = running;
      running = null;
      ending?.controller.abort();
      await ending?.done;
      for (const { task, round } of board.all())
        board.say(task, { round, state: 'off', why: 'The twin takes part in no rounds now.' });
    },
    leads: () => leading,
  };
}

async function leadUntil(deps: FollowDeps, stop: AbortSignal): Promise<void> {
  const { home, board } = deps;
  for (const { task, round } of board.all())
    board.say(task, { round, state: 'waiting', why: 'The twin waits for a round.' });
  const { followTask } = await readyParts(home.platform);
  const over = linkAbort(stop);
  const watching = watchClocks(deps, over.signal);
  try {
    await Promise.all(home.settings.tasks.map((taskId) => followTask(deps, taskId, over.signal)));
  } finally {
    over.abort();
    over.release();
    await watching;
  }
}

/** After a sleep or a changed clock, connections may be dead and offers old: everything starts anew, and the checks judge the clock. */
async function watchClocks({ home, board, restarts }: FollowDeps, stop: AbortSignal): Promise<void> {
  const { clock, monotonic } = home.platform;
  const watch = createClockWatch(clock, monotonic);
  const bell = createBell();
  while (!stop.aborted) {
    await bell.wait(TICK, stop);
    if (stop.aborted || !watch.jumped(TICK)) continue;
    for (const { task, round } of board.all())
      board.sayWhy(task, { round, state: 'waiting' }, 'clock-jumped');
    restarts.restart();
  }
}
