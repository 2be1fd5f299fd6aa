/**
 * Noise that is made of many reporters' shares, as other systems add it: the distributed discrete Gaussian and Skellam. Twinkeep's helpers
 * each add the whole noise of a set, which neither absent nor dishonest reporters weaken; these bounds are here to compare with, and for
 * a profile without helpers. Formulas as in google-research/federated `distributed_dp/accounting_utils.py`.
 */

/** How far a sum of n discrete Gaussians of `localSigma` grid steps is from one: Kairouz, Liu, Steinke 2021, Proposition 14. */
export function distributedGaussianGap(localSigma: number, n: number): number {
  let sum = 0;
  for (let k = 1; k < n; k++) sum += Math.exp(-2 * Math.PI ** 2 * localSigma ** 2 * (k / (k + 1)));
  return 10 * sum;
}

/** Rényi divergence of the distributed discrete Gaussian in `dim` coordinates; `gap` as above, sensitivities over the sum's sigma. */
export function distributedGaussianRdp(
  order: number,
  {
    l1OverSigma,
    l2OverSigma,
    gap,
    dim,
  }: { l1OverSigma: number; l2OverSigma: number; gap: number; dim: number },
): number {
  const square = l2OverSigma ** 2;
  return Math.min(
    (order / 2) * square + gap * dim,
    (order / 2) * (square + 2 * l1OverSigma * gap + gap ** 2 * dim),
    (order / 2) * (l2OverSigma + Math.sqrt(dim) * gap) ** 2,
  );
}

/** Rényi divergence of Skellam noise of variance `variance`, at integer orders: Agarwal, Kairouz, Liu 2021. */
export function skellamRdp(
  order: number,
  { l1, l2, variance }: { l1: number; l2: number; variance: number },
): number {
  const more = Math.min(
    ((2 * order - 1) * l2 ** 2 + 6 * l1) / (4 * variance ** 2),
    (3 * l1) / (2 * variance),
  );
  return (order * l2 ** 2) / (2 * variance) + more;
}

/** No grid is finer than this many steps per unit. */
const FINEST = 1e6;

/**
 * Grid steps per unit such that a sum of n rotated vectors with their noise stays within `bits` bits, but for a `k`-sigma event per
 * coordinate (Kairouz, Liu, Steinke 2021, equation 61, rho = 1). `localSigma` in units, not steps.
 */
export function statisticalScale(about: {
  localSigma: number;
  clip: number;
  bits: number;
  n: number;
  dim: number;
  k: number;
}): number {
  const { localSigma, clip, bits, n, dim, k } = about;
  const room = 4 ** bits - n * k ** 2;
  const spread = (clip ** 2 * n ** 2) / dim + n * localSigma ** 2;
  return room <= 0 ? 0 : Math.min(FINEST, Math.sqrt(room / spread) / (2 * k));
}
