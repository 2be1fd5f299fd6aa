/** Sums of masks on threads: the same as on one, and what happens when a thread dies. */
import { TwinkeepError } from '@twinkeep/audit';
import {
  addMask,
  addNoise,
  helperFamily,
  NOISE_CHUNK_WORDS,
  randomBytes,
  setsOfHelper,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { createMaskThreads, expandSlice, sliceSeeds, type MaskTerms } from '@twinkeep/region';
import fc from 'fast-check';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildMaskThread, type BuiltThread } from './support/mask-thread.ts';

type Seeds = Map<number, Uint8Array>[];

let thread: BuiltThread;
beforeAll(async () => {
  thread = await buildMaskThread();
});
afterAll(() => thread.remove());

function termsOf(m: number, c: number, j: number, words: number): MaskTerms {
  const family = helperFamily(m, c);
  return {
    rcHash: randomBytes(32),
    words,
    sets: setsOfHelper(family, j).map((index) => [index, family[index]!]),
  };
}

const seedsFor = (reports: number, { sets }: MaskTerms): Seeds =>
  Array.from({ length: reports }, () => new Map(sets.map(([index]) => [index, randomBytes(32)])));

/** One report after the other, with the generator of a browser. */
async function plainSums(
  seeds: Seeds,
  { rcHash, words, sets }: MaskTerms,
): Promise<Map<number, Uint32Array>> {
  const sums = new Map<number, Uint32Array>();
  for (const [index, set] of sets) {
    const sum = new Uint32Array(words);
    for (const own of seeds) await addMask(sum, own.get(index)!, rcHash, set, webCryptoPrg);
    sums.set(index, sum);
  }
  return sums;
}

describe('sums of masks', () => {
  it('are the same on any number of threads and on none', async () => {
    const pools = [1, 2, 3].map((threads) =>
      createMaskThreads({ threads, smallest: 0, script: thread.script }),
    );
    const alone = createMaskThreads({ script: new URL('file:///nowhere.mjs') });
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom([1, 0], [3, 1], [4, 1], [5, 2], [3, 2]),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 0, max: 70_000 }),
          async ([m, c], reports, words) => {
            const terms = termsOf(m!, c!, m!, words);
            const seeds = seedsFor(reports, terms);
            const expected = await plainSums(seeds, terms);
            for (const { sumMasks } of [...pools, alone])
              expect(sameSums(await sumMasks(seeds, terms), expected)).toBe(true);
          },
        ),
        { numRuns: 12 },
      );
    } finally {
      await Promise.all(pools.map((pool) => pool.close()));
    }
  });

  it('of several sets at a time do not mix', async () => {
    const pool = createMaskThreads({ threads: 2, smallest: 0, script: thread.script });
    const rounds = [500, 9_000, 70].map((words) => {
      const terms = termsOf(4, 1, 2, words);
      return { terms, seeds: seedsFor(5, terms) };
    });
    const sums = await Promise.all(rounds.map(({ seeds, terms }) => pool.sumMasks(seeds, terms)));
    for (const [i, { seeds, terms }] of rounds.entries())
      expect(sameSums(sums[i]!, await plainSums(seeds, terms))).toBe(true);
    await pool.close();
  });

  it('leave the store’s seeds alone, and wipe their own copies', () => {
    const terms = termsOf(3, 1, 1, 10);
    const seeds = seedsFor(4, terms);
    const kept = seeds.map((own) => new Map([...own].map(([index, seed]) => [index, seed.slice()])));
    const slices = sliceSeeds(seeds, terms, 3);
    expect(slices.map((slice) => slice.seeds.length)).toEqual([4 * 32, 4 * 32]);
    slices.forEach(expandSlice);
    expect(slices.every((slice) => slice.seeds.every((byte) => byte === 0))).toBe(true);
    expect(seeds).toEqual(kept);
  });

  it('are not made where a seed is missing', async () => {
    const terms = termsOf(3, 1, 1, 10);
    const seeds = seedsFor(4, terms);
    seeds[3]!.delete(terms.sets[0]![0]);
    await expect(createMaskThreads().sumMasks(seeds, terms)).rejects.toMatchObject({ code: 'helper/closed' });
  });
});

describe('noise', () => {
  it.each([3, 70_000])(
    'of variance %d is the same on any number of threads and on none',
    async (sigmaSquared) => {
      const pools = [1, 2, 3].map((threads) =>
        createMaskThreads({ threads, smallest: 0, script: thread.script }),
      );
      const alone = createMaskThreads({ smallest: Infinity, script: new URL('file:///nowhere.mjs') });
      const keys = new Map([2, 5].map((index) => [index, randomBytes(32)] as const));
      // Two whole chunks and a part of one, on top of what is there.
      const words = 2 * NOISE_CHUNK_WORDS + 77;
      const before = (): Map<number, Uint32Array> =>
        new Map([2, 5].map((index) => [index, new Uint32Array(words).fill(index - 4)]));
      const expected = before();
      for (const [index, sum] of expected) await addNoise(sum, keys.get(index)!, sigmaSquared, webCryptoPrg);
      for (const pool of [...pools, alone]) {
        const sums = before();
        await pool.addNoise(sums, keys, sigmaSquared);
        expect(sameSums(sums, expected)).toBe(true);
      }
      expect(sameSums(expected, before())).toBe(false);
      await Promise.all(pools.map((pool) => pool.close()));
    },
  );
});

describe('a thread that dies', () => {
  /** A thread of which only the lives from the `good`th on work; the ones before end as soon as they are asked. */
  async function mortal(name: string, good: number): Promise<URL> {
    const file = join(thread.folder, `${name}.mjs`);
    await writeFile(
      file,
      `import { appendFileSync, readFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      const lives = ${JSON.stringify(join(thread.folder, `${name}.lives`))};
      appendFileSync(lives, 'x');
      if (readFileSync(lives).length < ${good}) parentPort.on('message', () => process.exit(9));
      else await import(${JSON.stringify(thread.script.href)});`,
    );
    return pathToFileURL(file);
  }

  it('once, costs time and nothing else', async () => {
    const pool = createMaskThreads({ threads: 1, smallest: 0, script: await mortal('once', 2) });
    const terms = termsOf(4, 1, 1, 1_000);
    const seeds = seedsFor(6, terms);
    expect(sameSums(await pool.sumMasks(seeds, terms), await plainSums(seeds, terms))).toBe(true);
    // The new thread stays.
    expect(sameSums(await pool.sumMasks(seeds, terms), await plainSums(seeds, terms))).toBe(true);
    await pool.close();
  });

  it('once, under noise, adds it once', async () => {
    const pool = createMaskThreads({ threads: 1, smallest: 0, script: await mortal('noise', 2) });
    const key = randomBytes(32);
    const [sum, expected] = [new Uint32Array(5_000), new Uint32Array(5_000)];
    await pool.addNoise(new Map([[0, sum]]), new Map([[0, key]]), 900);
    await addNoise(expected, key, 900, webCryptoPrg);
    expect(sum).toEqual(expected);
    await pool.close();
  });

  it('again, fails the whole sum with what is no refusal; the next request gets it', async () => {
    const pool = createMaskThreads({ threads: 1, smallest: 0, script: await mortal('twice', 3) });
    const terms = termsOf(4, 1, 1, 1_000);
    const seeds = seedsFor(6, terms);
    const failure = await pool.sumMasks(seeds, terms).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(TwinkeepError);
    expect(sameSums(await pool.sumMasks(seeds, terms), await plainSums(seeds, terms))).toBe(true);
    await pool.close();
  });

  it('because it cannot start, fails the sum', async () => {
    const pool = createMaskThreads({ smallest: 0, script: new URL('nowhere.mjs', thread.script) });
    const terms = termsOf(4, 1, 1, 10);
    await expect(pool.sumMasks(seedsFor(2, terms), terms)).rejects.toThrowError(/nowhere/);
    await pool.close();
  });

  it('because the helper ends, ends in the middle of its sum, and starts no other', async () => {
    // It hears of its slice and then computes for ever.
    const file = join(thread.folder, 'endless.mjs');
    await writeFile(
      file,
      `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', () => { for (;;); });`,
    );
    const pool = createMaskThreads({ threads: 2, smallest: 0, script: pathToFileURL(file) });
    const terms = termsOf(4, 1, 1, 10);
    const sums = pool.sumMasks(seedsFor(4, terms), terms);
    const [result] = await Promise.allSettled([sums, pool.close()]);
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(Error) });
    await expect(pool.sumMasks(seedsFor(4, terms), terms)).rejects.toThrowError(/stopped/);
  });
});

function sameSums(a: ReadonlyMap<number, Uint32Array>, b: ReadonlyMap<number, Uint32Array>): boolean {
  const bytes = (words: Uint32Array): Buffer => Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  return a.size === b.size && [...a].every(([index, sum]) => bytes(sum).equals(bytes(b.get(index)!)));
}
