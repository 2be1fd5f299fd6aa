/** The whole family of helpers, from (1, 0) to (5, 2) and (m, m - 1): what opens, what it opens to, and what nobody learns. */
import {
  addMask,
  addPacked,
  fewestHelpers,
  helperFamily,
  packWords,
  randomBytes,
  setsOfHelper,
  signedWords,
  subtractWords,
  unpackWords,
  webCryptoPrg,
  type HelperSet,
  type ModulusBits,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteUniformityP } from '../support/uniformity.ts';

const FAMILIES: readonly (readonly [m: number, c: number])[] = [
  [1, 0],
  [2, 0],
  [2, 1],
  [3, 1],
  [3, 2],
  [4, 1],
  [4, 2],
  [4, 3],
  [5, 1],
  [5, 2],
  [5, 4],
];
const bitsOf = fc.constantFrom<ModulusBits>(20, 24, 32);

interface Reporter {
  /** What it masks: signed grid steps. */
  steps: Int32Array;
  /** By set index. */
  seeds: Uint8Array[];
  /** What the coordinator holds. */
  vector: Uint8Array;
}

async function report(
  steps: Int32Array,
  family: readonly HelperSet[],
  rcHash: Uint8Array,
  bits: ModulusBits,
): Promise<Reporter> {
  const seeds = family.map(() => randomBytes(32));
  const words = new Uint32Array(steps);
  for (const [i, set] of family.entries()) await addMask(words, seeds[i]!, rcHash, set, webCryptoPrg);
  return { steps, seeds, vector: packWords(words, bits) };
}

/** Helper j's answer for a set of reports: packed sums, by set index. */
async function answer(
  j: number,
  members: readonly Reporter[],
  family: readonly HelperSet[],
  rcHash: Uint8Array,
  bits: ModulusBits,
): Promise<Map<number, Uint8Array>> {
  const sums = new Map<number, Uint8Array>();
  for (const index of setsOfHelper(family, j)) {
    const sum = new Uint32Array(members[0]!.steps.length);
    for (const { seeds } of members) await addMask(sum, seeds[index]!, rcHash, family[index]!, webCryptoPrg);
    sums.set(index, packWords(sum, bits));
  }
  return sums;
}

function open(
  vectors: readonly Uint8Array[],
  masks: Iterable<Uint8Array>,
  d: number,
  bits: ModulusBits,
): Int32Array {
  const sum = new Uint32Array(d);
  for (const vector of vectors) addPacked(sum, vector, bits);
  for (const mask of masks) subtractWords(sum, unpackWords(mask, d, bits));
  return signedWords(sum, bits);
}

describe.each(FAMILIES)('with %d helpers of which %d may collude', (m, c) => {
  const family = helperFamily(m, c);
  const helpers = Array.from({ length: m }, (_, i) => i + 1);

  it('any helpers that suffice open exactly the sum of whoever reported', async () => {
    await fc.assert(
      fc.asyncProperty(
        bitsOf,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
        fc.shuffledSubarray(helpers, { minLength: fewestHelpers(m, c, 'log') }),
        fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })),
        async (bits, d, here, responding, numbers) => {
          const rcHash = randomBytes(32);
          // As large as the head-room of the modulus lets them be.
          const most = Math.floor((2 ** (bits - 1) - 1) / here.length);
          const steps = here.map(() =>
            Int32Array.from({ length: d }, () => Math.trunc(numbers.next().value * most)),
          );
          const reporters = await Promise.all(steps.map((own) => report(own, family, rcHash, bits)));
          const members = reporters.filter((_, i) => here[i]);
          if (members.length === 0) return;
          const masks = new Map<number, Uint8Array>();
          for (const j of responding) {
            for (const [index, sum] of await answer(j, members, family, rcHash, bits)) {
              // Whoever holds a set gives the same sum, byte for byte.
              expect(masks.get(index) ?? sum).toEqual(sum);
              masks.set(index, sum);
            }
          }
          expect(masks.size).toBe(family.length);
          const opened = open(
            members.map(({ vector }) => vector),
            masks.values(),
            d,
            bits,
          );
          expect([...opened]).toEqual(
            Array.from({ length: d }, (_, i) => members.reduce((sum, own) => sum + own.steps[i]!, 0)),
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  it('no fewer helpers know all sets, and a sum of other reports opens nothing', async () => {
    const few = helpers.slice(0, c);
    const known = new Set(few.flatMap((j) => setsOfHelper(family, j)));
    expect(known.size).toBeLessThan(family.length);
    const rcHash = randomBytes(32);
    const d = 64;
    const reporters = await Promise.all(
      [1, 2, 3].map((value) => report(new Int32Array(d).fill(value), family, rcHash, 24)),
    );
    const masks = new Map<number, Uint8Array>();
    for (const j of helpers)
      for (const [index, sum] of await answer(j, reporters.slice(0, 2), family, rcHash, 24))
        masks.set(index, sum);
    const vectors = reporters.map(({ vector }) => vector);
    expect(open(vectors.slice(0, 2), masks.values(), d, 24).every((step) => step === 3)).toBe(true);
    expect(open(vectors, masks.values(), d, 24).some((step) => Math.abs(step) > 1_000)).toBe(true);
  });
});

describe('what c helpers and the coordinator see of one report', () => {
  // A model of 100,000 parameters, rotated and padded, with an evaluation block.
  const WORDS = 2 ** 17 + 513;
  const steps = Int32Array.from({ length: WORDS }, (_, i) => Math.round(180 * Math.sin(i)));

  /** The report, less every mask whose seed one of `coalition` got. */
  async function view(
    m: number,
    c: number,
    coalition: readonly number[],
    bits: ModulusBits,
  ): Promise<Uint8Array> {
    const family = helperFamily(m, c);
    const rcHash = randomBytes(32);
    const { vector, seeds } = await report(steps, family, rcHash, bits);
    const words = unpackWords(vector, WORDS, bits);
    for (const index of new Set(coalition.flatMap((j) => setsOfHelper(family, j)))) {
      const mask = new Uint32Array(WORDS);
      await addMask(mask, seeds[index]!, rcHash, family[index]!, webCryptoPrg);
      subtractWords(words, mask);
    }
    return packWords(words, bits);
  }

  const coalitions = (
    [
      [1, 0],
      [3, 1],
      [3, 2],
      [4, 1],
      [5, 2],
    ] as const
  ).flatMap(([m, c]) => helperFamily(m, c).map((coalition) => [m, c, coalition] as const));

  it.each(coalitions)('of %d with c = %d: %j see uniform words', async (m, c, coalition) => {
    for (const bits of [20, 24, 32] as const)
      expect(byteUniformityP(await view(m, c, coalition, bits))).toBeGreaterThan(1e-7);
  });

  it('is the report itself for one helper more, as the test can tell', async () => {
    for (const [m, c, coalition] of [
      [1, 0, [1]],
      [3, 1, [1, 3]],
      [4, 1, [2, 3]],
      [5, 2, [1, 4, 5]],
    ] as const) {
      const seen = await view(m, c, coalition, 24);
      expect(signedWords(unpackWords(seen, WORDS, 24), 24)).toEqual(steps);
      expect(byteUniformityP(seen)).toBe(0);
    }
  });

  it('also differs from report to report: no two are masked alike', async () => {
    const [a, b] = [await view(3, 1, [2], 24), await view(3, 1, [2], 24)];
    const difference = a.map((byte, i) => byte - b[i]!);
    expect(byteUniformityP(difference)).toBeGreaterThan(1e-7);
  });
});
