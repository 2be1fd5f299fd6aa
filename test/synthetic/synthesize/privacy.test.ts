import { zcdpEpsilon } from '@twinkeep/protocol';
import {
  cellsToColumn,
  createTable,
  fitMst,
  fitMstOfTable,
  type Measure,
  type Table,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { addNoise, randomBytes, webCryptoPrg } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { knownSchema, knownTable } from '../support/tables.ts';

const schema: TableSchema = {
  columns: [
    { kind: 'category', name: 'a', words: ['x', 'y'] },
    { kind: 'category', name: 'b', words: ['x', 'y'] },
    { kind: 'category', name: 'c', words: ['x', 'y', 'z'] },
    { kind: 'category', name: 'left', words: ['no', 'yes'] },
  ],
};
const options = { target: 'left', epsilon: 1, delta: 1e-5 };

/** `more`: a row that the neighbouring table has beyond these. */
function tiny(more: boolean): Table {
  const extra = more ? ['y'] : [];
  const word = (place: number): string[] => [
    ...Array.from({ length: 40 }, (_, i) => ((i >> place) % 2 ? 'x' : 'y')),
    ...extra,
  ];
  return createTable([
    cellsToColumn('a', 'category', word(0)),
    cellsToColumn('b', 'category', word(1)),
    cellsToColumn('c', 'category', word(2)),
    cellsToColumn('left', 'category', [
      ...Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 'no' : 'yes')),
      ...(more ? ['yes'] : []),
    ]),
  ]);
}

const POOL = 400_000;
const pools = new Map<number, { noise: Int32Array; at: number }>();

/** The next words of a long vector of the product's noise, so that thousands of fits cost one expansion per variance. */
async function nextNoise(words: number, variance: { num: number; den: number }): Promise<Int32Array> {
  const key = variance.num / variance.den;
  let pool = pools.get(key);
  if (pool === undefined || pool.at + words > POOL) {
    const vector = new Uint32Array(POOL);
    await addNoise(vector, randomBytes(32), variance, webCryptoPrg);
    pools.set(key, (pool = { noise: new Int32Array(vector.buffer), at: 0 }));
  }
  pool.at += words;
  return pool.noise.subarray(pool.at - words, pool.at);
}

/** A fit with that noise; what was released at every step, and the variances that it was made with. */
async function released(
  table: Table,
  epsilon: number,
): Promise<{ noise: number[]; variances: number[]; counts: Int32Array[] }> {
  const noise: number[] = [];
  const variances: number[] = [];
  const counts: Int32Array[] = [];
  const measure: Measure = async (exact, variance) => {
    const added = await nextNoise(exact.length, variance!);
    const sigma = Math.sqrt(variance!.num / variance!.den);
    variances.push(variance!.num / variance!.den);
    for (const x of added) noise.push(x / sigma);
    const noisy = exact.map((count, i) => count + added[i]!);
    counts.push(noisy);
    return noisy;
  };
  await fitMstOfTable(table, schema, { ...options, epsilon }, measure).catch((error: Error) => {
    // A table this small may drown altogether; what was released was released.
    if (!/larger than the table/.test(error.message)) throw error;
  });
  return { noise, variances, counts };
}

describe('the ledger', () => {
  it('adds up: what each row moves, over twice the variance, is rho, and rho is worth the epsilon', async () => {
    for (const [epsilon, delta] of [
      [0.5, 1e-6],
      [1, 1e-6],
      [3, 1e-5],
    ] as const) {
      const { privacy } = await fitMst(knownTable(500, 1), knownSchema, { target: 'left', epsilon, delta });
      const spent = privacy!.steps.reduce((sum, step) => sum + step.marginalsPerRow / (2 * step.variance), 0);
      expect(spent).toBeLessThanOrEqual(privacy!.rho * (1 + 1e-9));
      expect(spent).toBeGreaterThan(0.999 * privacy!.rho);
      expect(zcdpEpsilon(spent, delta)).toBeLessThanOrEqual(epsilon * (1 + 1e-9));
      expect(zcdpEpsilon(spent, delta)).toBeGreaterThan(0.995 * epsilon);
      // Five attributes: 1 class count, 5 one-ways, 10 pairs, 4 edges.
      expect(privacy!.steps.map(({ marginalsPerRow }) => marginalsPerRow)).toEqual([1, 5, 10, 4]);
      expect(privacy!.steps.map(({ rho }) => Math.round((1e4 * rho) / privacy!.rho))).toEqual([
        500, 1_900, 2_850, 4_750,
      ]);
    }
  });
});

describe('the noise', () => {
  it('has the stated scale: chi-square over 2,000 fits of a tiny table', async () => {
    const noise: number[] = [];
    const seen = new Set<number>();
    for (let fit = 0; fit < 2_000; fit++) {
      const { noise: more, variances } = await released(tiny(false), 1);
      noise.push(...more);
      for (const variance of variances) seen.add(variance);
    }
    expect(seen.size).toBe(4);
    const chiSquare = noise.reduce((sum, z) => sum + z * z, 0);
    expect(noise.length).toBeGreaterThan(50_000);
    expect(Math.abs(chiSquare - noise.length) / Math.sqrt(2 * noise.length)).toBeLessThan(4);
    expect(Math.abs(noise.reduce((sum, z) => sum + z, 0)) / Math.sqrt(noise.length)).toBeLessThan(4);
  });

  it('is what a fit adds by itself: two fits of one table differ by it, and by nothing else', async () => {
    const one = createTable(tiny(false).columns.slice(0, 1));
    const totals = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const { classes, privacy } = await fitMst(
          one,
          { columns: schema.columns.slice(0, 1) },
          { epsilon: 8, delta: 1e-5 },
        );
        const [first, second] = privacy!.steps.map((step) => step.variance) as [number, number];
        // The class count and the sum of two cells, weighted by how exact they are.
        const variance = 1 / (1 / first + 1 / (2 * second));
        return (classes[0]!.rows - 40) / Math.sqrt(variance);
      }),
    );
    const chiSquare = totals.reduce((sum, z) => sum + z * z, 0);
    // Above in 4 of a million runs; the noise is fresh in each.
    expect(Math.abs(chiSquare - 40) / Math.sqrt(80)).toBeLessThan(6);
    expect(new Set(totals).size).toBeGreaterThan(5);
  });

  it('keeps neighbouring tables apart no better than epsilon: the bound that an attack finds', async () => {
    expect(await empiricalEpsilon(1, 1_500)).toBeLessThan(1);
    // The attack is one: where the noise allows more, it finds more.
    const loose = await empiricalEpsilon(30, 500);
    expect(loose).toBeGreaterThan(1.2);
    expect(loose).toBeLessThan(30);
  });
});

/**
 * An attacker who sees every released count and knows both tables adds up the cells that the extra row moves, each by how exact it is. From
 * how often that is above a threshold with and without the row follows a lower bound of epsilon (95 %, over all thresholds).
 */
async function empiricalEpsilon(epsilon: number, trials: number): Promise<number> {
  const statistic = async (more: boolean): Promise<number> => {
    const { counts, variances } = await released(tiny(more), epsilon);
    // The extra row is a "yes", class 1, and y in every column. The one-ways of a class are 2 + 2 + 3 cells, those of class 0 first; a
    // class that drowned has none.
    const [classes, singles = new Int32Array()] = counts as [Int32Array, Int32Array | undefined];
    let sum = classes[1]! / variances[0]!;
    const from = singles.length === 14 ? 7 : classes[1]! > 0 ? 0 : null;
    for (const cell of from === null ? [] : [from + 1, from + 3, from + 5])
      sum += singles[cell]! / variances[1]!;
    return sum;
  };
  const without: number[] = [];
  const withRow: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    without.push(await statistic(false));
    withRow.push(await statistic(true));
  }
  const error = (p: number): number => 2.5 * Math.sqrt((p * (1 - p) + 1 / trials) / trials);
  const bounds = without
    .toSorted((a, b) => a - b)
    .filter((_, i) => i % 10 === 0)
    .map((threshold) => {
      const hit = withRow.filter((x) => x >= threshold).length / trials;
      const falseAlarm = without.filter((x) => x >= threshold).length / trials;
      return Math.log(Math.max(1e-9, hit - error(hit) - options.delta) / (falseAlarm + error(falseAlarm)));
    });
  return Math.max(0, ...bounds);
}
