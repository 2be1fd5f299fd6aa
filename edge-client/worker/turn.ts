/**
 * Whose turn it is: of all tabs of an origin the one that holds the lock works on rounds. A tab that is put aside lets go of it, if it still
 * gets to: a browser may stop a worker before it has read that it is to stop, and a stopped worker keeps its lock. So whoever waits asks from
 * time to time, and takes the lock from a tab that does not answer. One that was only slow finds its lock gone and waits like the others;
 * both may have worked on the same round, of which the store lets one report be made.
 */
import { createBell, linkAbort } from './bell.ts';
import type { Locks } from './platform.ts';

export interface TurnDeps {
  /** Null: this tab acts for itself. */
  locks: Locks | null;
  name: string;
  /** Asks the tab that works to say how its rounds stand. */
  ask: () => void;
  /** How often that tab was heard until now. */
  heard: () => number;
}

/** Milliseconds between two questions, and for an answer. */
const INTERVAL = 10_000;
const PATIENCE = 5_000;

/**
 * Waits for its turn, then works. @param session ended where another tab took the turn away
 * @throws AbortError where the session ends before; what `work` throws
 */
export async function takeTurn(
  deps: TurnDeps,
  session: AbortController,
  work: () => Promise<void>,
): Promise<void> {
  const { locks, name } = deps;
  if (locks === null) return work();
  const waiting = linkAbort(session.signal);
  let working: Promise<void> | null = null;
  let ended = false;
  const held = (): Promise<void> => {
    waiting.abort();
    return (working = work().finally(() => (ended = true)));
  };
  void endAtSilence(deps, waiting);
  try {
    await locks.request(name, { signal: waiting.signal }, held).catch((error: unknown) => {
      if (working !== null || session.signal.aborted) throw error;
      return locks.request(name, { steal: true }, held);
    });
  } catch (error) {
    if (working === null || ended) throw error;
    session.abort();
    await (working as Promise<void>).catch(() => {});
  } finally {
    waiting.abort();
    waiting.release();
  }
}

async function endAtSilence({ ask, heard }: TurnDeps, waiting: AbortController): Promise<void> {
  const bell = createBell();
  while (!waiting.signal.aborted) {
    await bell.wait(INTERVAL, waiting.signal);
    if (waiting.signal.aborted) return;
    const before = heard();
    ask();
    await bell.wait(PATIENCE, waiting.signal);
    if (heard() === before) waiting.abort();
  }
}
