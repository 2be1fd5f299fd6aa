/** One-dimensional searches. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The least value found of a function that falls and then rises between `low` and `high` (golden section). */
export function minimum(f: (x: number) => number, low: number, high: number): number {
  let [a, d] = [low, high];
  let [b, c] = [d - GOLDEN * (d - a), a + GOLDEN * (d - a)];
  let [fb, fc] = [f(b), f(c)];
  while (a < b && b < c && c < d && d - a > 1e-9) {
    if (fb < fc) {
      [d, c, fc] = [c, b, fb];
      b = d - GOLDEN * (d - a);
      fb = f(b);
    } else {
      [a, b, fb] = [b, c, fc];
      c = a + GOLDEN * (d - a);
      fc = f(c);
    }
  }
  return Math.min(fb, fc);
}

/**
 * The smallest x > 0, to the last digits of a double, at which a falling function is at most `target`; the function is at most
 * `target` at what is returned. @returns Infinity where no double does it
 */
export function smallestAtMost(f: (x: number) => number, target: number): number {
  let high = 1;
  while (f(high) > target) {
    high *= 2;
    if (high === Infinity) return Infinity;
  }
  let low = high / 2;
  while (low > 0 && f(low) <= target) [low, high] = [low / 2, low];
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    if (f(middle) <= target) high = middle;
    else low = middle;
  }
}
