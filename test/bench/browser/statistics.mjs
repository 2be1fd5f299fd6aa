/** Order statistics, and whether a series of readings grows. */

export function median(values) {
  return percentile(values, 0.5);
}

/** Nearest rank. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** 97.5 % quantile of Student's t with 9 degrees of freedom: of 11 readings, two are spent on the line. */
const T_9 = 2.262;
/** Growth below this is none: a hundred thousand rounds of it are 100 MB. */
const NOTHING = 1_000;

/**
 * Least squares line through (round, bytes). It grows where its slope is above `NOTHING` even at the lower end of the 95 % interval.
 * @param readings 11 of them
 */
export function trend(readings) {
  const n = readings.length;
  const mean = (k) => readings.reduce((sum, reading) => sum + reading[k], 0) / n;
  const [x, y] = [mean(0), mean(1)];
  const sxx = readings.reduce((sum, [round]) => sum + (round - x) ** 2, 0);
  const slope = readings.reduce((sum, [round, bytes]) => sum + (round - x) * (bytes - y), 0) / sxx;
  const residual = readings.reduce((sum, [round, bytes]) => sum + (bytes - y - slope * (round - x)) ** 2, 0);
  const half = T_9 * Math.sqrt(residual / (n - 2) / sxx);
  return { bytesPerRound: slope, interval: [slope - half, slope + half], grows: slope - half > NOTHING };
}
