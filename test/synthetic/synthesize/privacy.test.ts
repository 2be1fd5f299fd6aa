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
import { clopperPearson, empiricalEpsilon } from '../support/attack.mjs';
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

function tiny(): Table {
  const word = (place: number): string[] =>
    Array.from({ length: 40 }, (_, i) => ((i >> place) % 2 ? 'x' : 'y'));
  return createTable([
    cellsToColumn('a', 'category', word(0)),
    cellsToColumn('b', 'category', word(1)),
    cellsToColumn('c', 'category', word(2)),
    cellsToColumn('left', 'category', [
      ...Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 'no' : 'yes')),
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
async function released(table: Table, epsilon: number): Promise<{ noise: number[]; variances: number[] }> {
  const noise: number[] = [];
  const variances: number[] = [];
  const measure: Measure = async (exact, variance) => {
    const added = await nextNoise(exact.length, variance!);
    const sigma = Math.sqrt(variance!.num / variance!.den);
    variances.push(variance!.num / variance!.den);
    for (const x of added) noise.push(x / sigma);
    return exact.map((count, i) => count + added[i]!);
  };
  await fitMstOfTable(table, schema, { ...options, epsilon }, measure).catch((error: Error) => {
    // A table this small may drown altogether; what was released was released.
    if (!/larger than the table/.test(error.message)) throw error;
  });
  return { noise, variances };
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
        100, 2_475, 2_970, 4_455,
      ]);
    }
  });
});

describe('the noise', () => {
  it('has the stated scale: chi-square over 2,000 fits of a tiny table', async () => {
    const noise: number[] = [];
    const seen = new Set<number>();
    for (let fit = 0; fit < 2_000; fit++) {
      const { noise: more, variances } = await released(tiny(), 1);
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
    const one = createTable(tiny().columns.slice(0, 1));
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

  it('keeps neighbouring tables apart no better than epsilon: what an attack proves, with 95 % confidence', async () => {
    for (const [epsilon, delta] of [
      [1, 0.01],
      [3, 0.01],
      [3, 1e-5],
    ] as const) {
      const { bound, cells } = await empiricalEpsilon({ epsilon, delta, trials: 20_000 });
      expect(bound).toBeLessThan(epsilon);
      // A row moves its class, four one-ways, six coarse pairs and three edges.
      expect(cells).toBe(14);
    }
  });

  it('the attack has power: where half the noise is left out, it proves more than was claimed', async () => {
    for (const epsilon of [1, 3]) {
      const { bound } = await empiricalEpsilon({ epsilon, delta: 0.01, trials: 20_000, noise: 0.5 });
      expect(bound).toBeGreaterThan(1.1 * epsilon);
    }
  });

  it('the bounds of shares are those of Clopper and Pearson', () => {
    expect(clopperPearson(5, 100, 0.025)).toBeCloseTo(0.0164318, 6);
    expect(clopperPearson(5, 100, 0.975)).toBeCloseTo(0.1128349, 6);
    expect(clopperPearson(0, 50, 0.975)).toBeCloseTo(1 - 0.025 ** (1 / 50), 9);
    expect(clopperPearson(50, 50, 0.025)).toBeCloseTo(0.025 ** (1 / 50), 9);
    expect([clopperPearson(0, 9, 0.025), clopperPearson(9, 9, 0.975)]).toEqual([0, 1]);
  });
});
