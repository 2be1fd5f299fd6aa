/** Clocks of parties may differ by this much, in milliseconds. */
export const CLOCK_TOLERANCE = 60_000;
