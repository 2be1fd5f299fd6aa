/** How each task's round stands, as this tab knows it: from its own work, or from the tab that does it. */
import type { Reason } from '../twin/reasons.ts';
import { refused } from '../twin/reasons.ts';
import type { RoundState } from '../twin/types.ts';

export interface Board {
  all(): RoundState[];
  of(task: string): RoundState;
  /** This tab's own work. Said again, a state is told only once. */
  say(task: string, state: Omit<RoundState, 'task' | 'here'>): void;
  /** The same with the sentence of the reason. */
  sayWhy(
    task: string,
    state: Pick<RoundState, 'round' | 'state'>,
    reason: NonNullable<RoundState['reason']> & Reason,
    detail?: string,
  ): void;
  /** What the tab that does the work says. */
  follow(state: RoundState): void;
  /** How often that tab was heard. */
  heard(): number;
}

export function createBoard(
  tasks: readonly string[],
  tell: (state: RoundState, own: boolean) => void,
): Board {
  const states = new Map<string, RoundState>(
    tasks.map((task) => [
      task,
      { task, round: null, state: 'off', why: 'The twin takes part in no rounds now.', here: true },
    ]),
  );
  let heard = 0;
  const put = (state: RoundState, own: boolean): void => {
    if (!states.has(state.task) || JSON.stringify(states.get(state.task)) === JSON.stringify(state)) return;
    states.set(state.task, state);
    tell(state, own);
  };
  const board: Board = {
    all: () => [...states.values()],
    of: (task) => states.get(task) as RoundState,
    say: (task, state) => put({ ...state, task, here: true }, true),
    sayWhy: (task, state, reason, detail) =>
      board.say(task, { ...state, ...refused(reason, detail), reason }),
    follow(state) {
      heard++;
      put({ ...state, here: false }, false);
    },
    heard: () => heard,
  };
  return board;
}
