/** Instants as events write them (`2026-01-01T00:00:00Z`, UTC, to the second) and as seconds since 1970. */

export function secondToInstant(second: number): string {
  return `${new Date(second * 1_000).toISOString().slice(0, 19)}Z`;
}

/** NaN for every text but the one spelling of an existing instant. */
export function instantToSecond(instant: string): number {
  const second = Date.parse(instant) / 1_000;
  return Number.isInteger(second) && secondToInstant(second) === instant ? second : Number.NaN;
}
