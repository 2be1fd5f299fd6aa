/**
 * Has the device slept, or was its clock changed? Told by two clocks: the wall clock, which people and networks set, and a monotonic
 * one, which stands still in the sleep of some devices. After either, connections may be dead and what was read may be old.
 */
import { CLOCK_TOLERANCE } from '../round/clock.ts';

export interface ClockWatch {
  /** True where one of the clocks moved otherwise than `interval` milliseconds say, since the last call. */
  jumped(interval: number): boolean;
}

export function createClockWatch(clock: () => number, monotonic: () => number): ClockWatch {
  let [wall, ticks] = [clock(), monotonic()];
  return {
    jumped(interval) {
      const [wallPassed, ticksPassed] = [clock() - wall, monotonic() - ticks];
      [wall, ticks] = [clock(), monotonic()];
      const set = Math.abs(wallPassed - ticksPassed) > CLOCK_TOLERANCE;
      const slept = ticksPassed - interval > CLOCK_TOLERANCE;
      return set || slept;
    },
  };
}
