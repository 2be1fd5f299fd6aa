/** How far rounding to the grid lets one twin move a report, in grid steps; what the noise of a task makes of it is in `grid.ts`. */

/**
 * L2 sensitivity of a vector of L2 norm at most `l2` steps after stochastic rounding of its `length` coordinates.
 * Unconditional rounding (beta = 0, what Twinkeep does): l2 + sqrt(length), by coupling, for a share in a sum as well. Conditional rounding,
 * repeated until an event of probability 1 - beta: Kairouz, Liu, Steinke 2021, Proposition 22; for one vector, not for a share in a sum.
 */
export function roundedSensitivity(l2: number, length: number, beta: number = 0): number {
  const always = l2 + Math.sqrt(length);
  if (beta === 0) return always;
  const likely = l2 * l2 + length / 4 + Math.sqrt(2 * Math.log(1 / beta)) * (l2 + Math.sqrt(length) / 2);
  return Math.min(always, Math.sqrt(likely));
}

/** L1 sensitivity of an integer vector of L2 sensitivity `l2`: at most sqrt(length) l2, and at most l2^2. */
export function roundedL1Sensitivity(l2: number, length: number): number {
  return l2 * Math.min(Math.sqrt(length), l2);
}
