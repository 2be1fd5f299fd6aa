/** The attack is told the claim; `noise` scales the standard deviation that the fit really draws, 1 as claimed. */
export function empiricalEpsilon(claim: {
  epsilon: number;
  delta: number;
  trials: number;
  noise?: number;
}): Promise<{ bound: number; cells: number }>;

/** Clopper-Pearson bound of a share, `k` of `n`: lower for a level below a half, upper above it. */
export function clopperPearson(k: number, n: number, level: number): number;
