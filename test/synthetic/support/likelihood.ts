/** Maximum likelihood with standard errors, for the refits that must find the planted parameters again. */

export interface Fit {
  parameters: number[];
  /** From the observed information, by central differences. */
  errors: number[];
}

/** `negative`: the negative log-likelihood of unconstrained parameters. Newton's method with numeric derivatives and halving. */
export function fitLikelihood(
  negative: (parameters: readonly number[]) => number,
  start: readonly number[],
): Fit {
  let at = [...start];
  let value = negative(at);
  for (let round = 0; round < 60; round++) {
    const { gradient, hessian } = derivatives(negative, at);
    const steepest = gradient.map((g) => g / Math.max(...gradient.map(Math.abs)));
    const direction = solve(hessian, gradient) ?? steepest;
    const downhill = direction.reduce((sum, d, i) => sum + d * (gradient[i] as number), 0) > 0;
    const step = downhill ? direction : steepest;
    let scale = 1 / Math.max(1, ...step.map(Math.abs));
    let next = at;
    let nextValue = value;
    while (scale > 1e-9) {
      next = at.map((x, i) => x - scale * (step[i] as number));
      nextValue = negative(next);
      if (nextValue < value) break;
      scale /= 2;
    }
    if (!(nextValue < value - 1e-7)) break;
    at = next;
    value = nextValue;
  }
  const { hessian } = derivatives(negative, at);
  const errors = at.map((_, i) => {
    const unit = at.map((__, j) => Number(i === j));
    return Math.sqrt((solve(hessian, unit) as number[])[i] as number);
  });
  return { parameters: at, errors };
}

function derivatives(
  f: (x: readonly number[]) => number,
  at: readonly number[],
): { gradient: number[]; hessian: number[][] } {
  const h = 1e-3;
  const shifted = (...moves: [number, number][]): number => {
    const x = [...at];
    for (const [i, by] of moves) x[i]! += by;
    return f(x);
  };
  const centre = f(at);
  const up = at.map((_, i) => shifted([i, h]));
  const down = at.map((_, i) => shifted([i, -h]));
  const gradient = at.map((_, i) => (up[i]! - down[i]!) / (2 * h));
  const hessian = at.map((_, i) =>
    at.map((__, j) => {
      if (i === j) return (up[i]! - 2 * centre + down[i]!) / (h * h);
      const [a, b] = [Math.min(i, j), Math.max(i, j)];
      return (
        (shifted([a, h], [b, h]) -
          shifted([a, h], [b, -h]) -
          shifted([a, -h], [b, h]) +
          shifted([a, -h], [b, -h])) /
        (4 * h * h)
      );
    }),
  );
  return { gradient, hessian };
}

/** Gaussian elimination with row pivots; null for a singular matrix. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | null {
  const n = right.length;
  const work = matrix.map((row, i) => [...row, right[i] as number]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++)
      if (Math.abs(work[i]![column]!) > Math.abs(work[pivot]![column]!)) pivot = i;
    if (!(Math.abs(work[pivot]![column]!) > 1e-12)) return null;
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    for (let i = 0; i < n; i++) {
      if (i === column) continue;
      const factor = work[i]![column]! / work[column]![column]!;
      for (let j = column; j <= n; j++) work[i]![j]! -= factor * work[column]![j]!;
    }
  }
  return work.map((row, i) => row[n]! / row[i]!);
}

/** Ordinary least squares by the normal equations; `rows` carry the intercept. */
export function leastSquares(rows: readonly (readonly number[])[], y: readonly number[]): number[] {
  const width = rows[0]!.length;
  const gram = Array.from({ length: width }, () => Array.from({ length: width }, () => 0));
  const right = Array.from({ length: width }, () => 0);
  for (const [i, row] of rows.entries())
    for (let j = 0; j < width; j++) {
      right[j]! += row[j]! * y[i]!;
      for (let k = 0; k < width; k++) gram[j]![k]! += row[j]! * row[k]!;
    }
  return solve(gram, right) as number[];
}

/** ln Gamma for x > 0: Stirling's series after shifting x above 8. */
export function logGamma(x: number): number {
  let shift = 0;
  while (x < 8) shift -= Math.log(x++);
  const z = 1 / (x * x);
  return (
    shift +
    (x - 0.5) * Math.log(x) -
    x +
    0.5 * Math.log(2 * Math.PI) +
    (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / x
  );
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** Of the mean. */
export function standardError(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0)) / values.length;
}
