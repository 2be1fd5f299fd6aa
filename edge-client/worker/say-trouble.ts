/** Tells the person what is in the way of a round, and finds out what a page is not told: that it is the coordinator who refuses it. */
import type { RoundState } from '../twin/types.ts';
import type { Board } from './board.ts';
import type { Platform } from './platform.ts';
import type { CheckedSettings } from './settings.ts';
import { codeOf, troubleOf } from './trouble.ts';

export type SayTrouble = (task: string, error: unknown, round?: number | null) => void;

export interface SayTroubleDeps {
  board: Board;
  platform: Pick<Platform, 'isReachable'>;
  settings: CheckedSettings;
  isOnline: () => boolean;
}

export function createSayTrouble({ board, platform, settings, isOnline }: SayTroubleDeps): SayTrouble {
  return (task, error, round = board.of(task).round) => {
    const code = codeOf(error) ?? '';
    if (code.startsWith('protocol/'))
      return board.sayWhy(task, { round, state: 'stays-home' }, 'task-refused', code);
    const { reason, detail } = troubleOf(error);
    const state: Pick<RoundState, 'round' | 'state'> = { round, state: 'waiting' };
    board.sayWhy(task, state, reason, detail);
    // A page cannot read an answer that is not meant for its origin; that there is one, it can find out.
    if (code !== 'transport/offline' || !isOnline()) return;
    void platform.isReachable(settings.coordinatorUrl).then(
      (reachable) => {
        const unchanged = board.of(task).reason === reason;
        if (reachable && unchanged) board.sayWhy(task, state, 'origin-refused', detail);
      },
      () => {},
    );
  };
}
