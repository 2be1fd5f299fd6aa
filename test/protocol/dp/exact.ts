/** Quantities of the vectors that no part of the software computes, by their definitions: quadrature, sums, and trying everything. */

/** Rényi divergence of Poisson-sampled Gaussian noise at any order above 1: the integral of E_N(0, s^2)[(1 - q + q e^((2x - 1) / 2 s^2))^order]. */
export function poissonGaussianRdpIntegral(q: number, sigma: number, order: number): number {
  const span = 14 * sigma + order;
  const points = 40_000;
  let sum = 0;
  for (let i = 0; i <= points; i++) {
    const x = -span + (2 * span * i) / points;
    const density = Math.exp(-(x * x) / (2 * sigma ** 2)) / Math.sqrt(2 * Math.PI * sigma ** 2);
    sum += density * Math.expm1(order * Math.log1p(q * Math.expm1((2 * x - 1) / (2 * sigma ** 2))));
  }
  return Math.log1p((sum * 2 * span) / points) / (order - 1);
}

/** Rényi divergence between Skellam noise of variance mu and itself shifted by 1; P(k) = e^-mu I_k(mu). */
export function skellamRdpExact(order: number, mu: number): number {
  const reach = Math.ceil(40 + 14 * Math.sqrt(mu));
  const ln = Array.from({ length: reach + 2 }, (_, k) => -mu + lnBessel(k, mu));
  let sum = 0;
  for (let k = -reach; k <= reach; k++)
    sum += Math.exp(order * ln[Math.abs(k)]! + (1 - order) * ln[Math.abs(k - 1)]!);
  return Math.log(sum) / (order - 1);
}

/** ln I_k(x): sum over j of (x/2)^(2j + k) / (j! (j + k)!). */
function lnBessel(k: number, x: number): number {
  let ln = 0;
  for (let i = 1; i <= k; i++) ln += Math.log(x / 2 / i);
  let [term, sum] = [1, 1];
  for (let j = 1; term > sum * 1e-18; j++) sum += term *= (x / 2) ** 2 / (j * (j + k));
  return ln + Math.log(sum);
}

/** DP-FTRL's tree over `steps` leaves, complete subtrees side by side: the largest sum over nodes of (a participant's leaves below it)^2. */
export function treeSensitivitySquare(most: number, separation: number, steps: number): number {
  const place = (from: number, left: number, leaves: number[]): number => {
    let best = nodesSquared(leaves, steps);
    if (left > 0)
      for (let leaf = from; leaf < steps; leaf++)
        best = Math.max(best, place(leaf + separation + 1, left - 1, [...leaves, leaf]));
    return best;
  };
  return place(0, most, []);
}

function nodesSquared(leaves: readonly number[], steps: number): number {
  let sum = 0;
  for (let size = 1; size <= steps; size *= 2)
    for (let node = 0; (node + 1) * size <= steps; node++)
      sum += leaves.filter((leaf) => Math.floor(leaf / size) === node).length ** 2;
  return sum;
}
