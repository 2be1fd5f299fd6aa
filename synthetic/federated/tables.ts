/**
 * Tables of two columns: scaled to given margins (iterative proportional fitting, Deming and Stephan 1940), and drawn towards what was
 * expected as far as noise, and not the data, sets them apart from it.
 */

/** Row-major. */
export type Cells = Float64Array;

const ROUNDS = 30;

/** Rows and columns in proportion, so that they add up to the margins; what is 0 stays 0. */
export function scaleToMargins(table: Cells, rows: Float64Array, columns: Float64Array): Cells {
  const out = table.slice();
  const width = columns.length;
  for (let round = 0; round < ROUNDS; round++) {
    for (let r = 0; r < rows.length; r++) scaleLine(out, r * width, 1, width, rows[r] as number);
    for (let c = 0; c < width; c++) scaleLine(out, c, width, rows.length, columns[c] as number);
  }
  return out;
}

function scaleLine(table: Cells, from: number, stride: number, length: number, total: number): void {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += table[from + i * stride] as number;
  const factor = sum > 0 ? total / sum : 0;
  for (let i = 0; i < length; i++) table[from + i * stride]! *= factor;
}

const MOMENT_ROUNDS = 8;

/**
 * Cells that were expected to be large may differ more from what was expected: counts are taken to have a variance of tau times it around it,
 * tau as the data show it (empirical Bayes by weighted moments), and noise on top.
 * @param variance of the noise on each cell of `counted`; where it is 0 nothing is drawn
 */
export function drawTowards(expected: Cells, counted: Cells, variance: number): Cells {
  if (variance === 0) return counted;
  const scale = expected.map((x) => Math.max(0, x));
  const excess = counted.map((x, i) => (x - (expected[i] as number)) ** 2 - variance);
  let tau = sum(scale) > 0 ? Math.max(0, sum(excess) / sum(scale)) : 0;
  for (let round = 0; round < MOMENT_ROUNDS; round++) {
    let [above, below] = [0, 0];
    for (let i = 0; i < scale.length; i++) {
      const size = scale[i] as number;
      const weight = size / (tau * size + variance) ** 2;
      above += weight * (excess[i] as number);
      below += weight * size;
    }
    tau = below > 0 ? Math.max(0, above / below) : 0;
  }
  return counted.map((x, i) => {
    const own = tau * (scale[i] as number);
    return (expected[i] as number) + (own / (own + variance)) * (x - (expected[i] as number));
  });
}

/** Below this share of what is expected, a cell of a noisy table says no more than that it is small. */
const LEAST = 0.02;

/** No cell below 0, and under noise none at 0 where something is expected. */
export function lift(table: Cells, expected: Cells, variance: number): Cells {
  const least = variance > 0 ? LEAST : 0;
  return table.map((x, i) => Math.max(x, least * (expected[i] as number)));
}

/** Independent columns: the product of the shares, times the total. */
export function independent(rows: Float64Array, columns: Float64Array): Cells {
  const total = sum(rows);
  const out = new Float64Array(rows.length * columns.length);
  for (let r = 0; r < rows.length; r++)
    for (let c = 0; c < columns.length; c++)
      out[r * columns.length + c] = total > 0 ? ((rows[r] as number) * (columns[c] as number)) / total : 0;
  return out;
}

export function addTables(tables: readonly Cells[]): Cells {
  const [first, ...others] = tables;
  return (first as Cells).map((x, i) => others.reduce((whole, other) => whole + (other[i] as number), x));
}

export function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
