// Signed events carry instants in one spelling, whole seconds in UTC; everything computed with is in milliseconds.

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** `2026-01-15T10:00:00Z` (RFC 3339). Rounds down to the second, so a validity never grows by being written. */
export function millisToInstant(millis: number): string {
  return `${new Date(Math.floor(millis / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since 1970, or NaN for anything but the one spelling of a day that exists. */
export function instantToMillis(instant: string): number {
  if (!INSTANT.test(instant)) return Number.NaN;
  const millis = Date.parse(instant);
  // Engines differ on 30 February: some say NaN, some 2 March.
  return Number.isNaN(millis) || millisToInstant(millis) !== instant ? Number.NaN : millis;
}
