/** Logistic regression by Newton's method, with the standard errors that tell a true driver from noise; and the AUC. */

export interface LogisticFit {
  /** One per column, and the intercept last. */
  coefficients: number[];
  /** Coefficient over its standard error. */
  z: number[];
  score(row: readonly number[]): number;
}

export function fitLogistic(rows: readonly (readonly number[])[], labels: readonly number[]): LogisticFit {
  const width = (rows[0]?.length ?? 0) + 1;
  const withOne = rows.map((row) => [...row, 1]);
  let beta = Array<number>(width).fill(0);
  let covariance: number[][] = [];
  for (let step = 0; step < 12; step++) {
    const gradient = Array<number>(width).fill(0);
    const hessian = Array.from({ length: width }, () => Array<number>(width).fill(0));
    for (const [i, row] of withOne.entries()) {
      const p = 1 / (1 + Math.exp(-dot(beta, row)));
      for (let j = 0; j < width; j++) {
        const x = row[j] as number;
        gradient[j]! += ((labels[i] as number) - p) * x;
        for (let k = 0; k <= j; k++) hessian[j]![k]! += p * (1 - p) * x * (row[k] as number);
      }
    }
    for (let j = 0; j < width; j++) for (let k = 0; k < j; k++) hessian[k]![j] = hessian[j]![k] as number;
    covariance = invert(hessian);
    beta = beta.map((b, j) => b + dot(covariance[j] as number[], gradient));
  }
  return {
    coefficients: beta,
    z: beta.map((b, j) => b / Math.sqrt(covariance[j]?.[j] as number)),
    score: (row) => dot(beta, [...row, 1]),
  };
}

/** Share of (1, 0) pairs in which the 1 scores higher; ties count half. */
export function areaUnderCurve(scores: readonly number[], labels: readonly number[]): number {
  const order = scores
    .map((score, i) => [score, labels[i] as number] as const)
    .toSorted((a, b) => a[0] - b[0]);
  let below = 0;
  let pairs = 0;
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && order[end]?.[0] === order[i]?.[0]) end++;
    const ones = order.slice(i, end).filter(([, label]) => label === 1).length;
    const zeros = end - i - ones;
    pairs += ones * (below + zeros / 2);
    below += zeros;
    i = end;
  }
  return pairs / (below * (labels.length - below));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

/** Gauss-Jordan with row pivots. */
function invert(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const work = matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => Number(i === j))]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++)
      if (Math.abs(work[i]?.[column] as number) > Math.abs(work[pivot]?.[column] as number)) pivot = i;
    [work[column], work[pivot]] = [work[pivot] as number[], work[column] as number[]];
    const row = (work[column] as number[]).map((x) => x / (work[column]?.[column] as number));
    work[column] = row;
    for (let i = 0; i < n; i++) {
      const factor = work[i]?.[column] as number;
      if (i !== column) work[i] = (work[i] as number[]).map((x, j) => x - factor * (row[j] as number));
    }
  }
  return work.map((row) => row.slice(n));
}
