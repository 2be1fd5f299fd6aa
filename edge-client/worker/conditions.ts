/** What the device's state allows: the page tells it, and a person's battery and data plan come before any round. */
import type { Conditions } from '../twin/calls.ts';
import type { PauseReason } from '../twin/types.ts';

export interface ConditionsWatch {
  now(): Conditions;
  set(conditions: Conditions): void;
  /** Why no round is to be worked on now, or null. */
  pause(): PauseReason | null;
  /** @returns a function that ends the subscription */
  onChange(listener: () => void): () => void;
}

/** Below this, and not charging, the battery is left alone. */
export const LOW_BATTERY = 0.2;

export function createConditionsWatch(initial: Conditions): ConditionsWatch {
  let conditions = initial;
  const listeners = new Set<() => void>();
  return {
    now: () => conditions,
    set(next) {
      conditions = next;
      for (const listener of [...listeners]) listener();
    },
    pause: () => pauseReason(conditions),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function pauseReason({ online, metered, battery, asleep }: Conditions): PauseReason | null {
  if (asleep) return 'asleep';
  if (!online) return 'offline';
  if (metered) return 'metered';
  return battery !== null && !battery.charging && battery.level < LOW_BATTERY ? 'low-battery' : null;
}
