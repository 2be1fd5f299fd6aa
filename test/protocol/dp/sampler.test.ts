/** Exactness: the fast sampler against the algorithm in integers alone, word for word, and where its arithmetic is in doubt. */
import { webCryptoPrg } from '@twinkeep/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { expBounds } from '../../../edge-client/protocol/dp/exp.ts';
import {
  createNoiseSampler,
  PROPOSAL_WORDS,
  type Ratio,
  type WordStream,
} from '../../../edge-client/protocol/dp/sampler.ts';

const VARIANCES: Ratio[] = [
  { num: 1, den: 4 },
  { num: 1, den: 3 },
  { num: 1, den: 1 },
  { num: 15, den: 2 },
  { num: 8, den: 1 },
  { num: 10_000, den: 1 },
  // One below a square: the proposal y = t is accepted with a probability that rounds to 1.
  { num: 8_191 ** 2 - 1, den: 1 },
  { num: 2 ** 40, den: 1 },
  { num: 2 ** 50 + 1, den: 1 },
  { num: Number.MAX_SAFE_INTEGER, den: 1 },
  { num: Number.MAX_SAFE_INTEGER, den: Number.MAX_SAFE_INTEGER - 1 },
];

let stream: Uint32Array;
beforeAll(async () => {
  stream = await webCryptoPrg(new Uint8Array(32).fill(5), 4_000);
});

describe('the sampler', () => {
  it.each(VARIANCES)('of variance $num / $den takes every decision that integers take', ({ num, den }) => {
    const target = new Uint32Array(1_000);
    const used: WordStream = { words: stream, at: 0 };
    const done = createNoiseSampler({ num, den })(target, 0, used);
    expect(done).toBeGreaterThan(400);
    const reference = inIntegers(BigInt(num), BigInt(den), [...stream], done);
    expect([...target.subarray(0, done)]).toEqual(reference.samples);
    // Whatever follows the last sample in the reference's reading was not taken for it.
    expect(used.at).toBeGreaterThanOrEqual(reference.read);
    expect(used.at).toBeGreaterThan(stream.length - PROPOSAL_WORDS - 3);
  });

  it('adds to what is there, modulo 2^32, from where it is told', () => {
    const fresh = new Uint32Array(500);
    createNoiseSampler({ num: 9, den: 1 })(fresh, 0, { words: stream, at: 0 });
    const target = new Uint32Array(510).fill(0xffff_fffe);
    const done = createNoiseSampler({ num: 9, den: 1 })(target, 10, { words: stream, at: 0 });
    expect(done).toBe(510);
    expect([...target.subarray(0, 10)]).toEqual(Array(10).fill(0xffff_fffe));
    expect([...target.subarray(10)]).toEqual([...fresh].map((word) => (word - 2) >>> 0));
  });

  it('goes on in the next piece as if both were one', () => {
    const sample = createNoiseSampler({ num: 100, den: 1 });
    const whole = new Uint32Array(500);
    sample(whole, 0, { words: stream, at: 0 });
    for (const cut of [50, 997, 2_001]) {
      const target = new Uint32Array(500);
      const first: WordStream = { words: stream.subarray(0, cut), at: 0 };
      const done = sample(target, 0, first);
      expect(done).toBeLessThan(500);
      expect(cut - first.at).toBeLessThan(PROPOSAL_WORDS);
      sample(target, done, { words: stream.subarray(first.at), at: 0 });
      expect(target).toEqual(whole);
    }
  });

  it.each([
    [0, 1],
    [-1, 1],
    [1, 0],
    [1.5, 1],
    [2 ** 53, 1],
    [Number.NaN, 1],
  ])('refuses a variance of %d / %d', (num, den) =>
    expect(() => createNoiseSampler({ num, den })).toThrowError(
      expect.objectContaining({ code: 'protocol/privacy' }),
    ),
  );
});

describe('in doubt', () => {
  const one: Ratio = { num: 8, den: 1 };
  // t = 3. A first word 2 * (3 k + u) is u with a plus; a second word of all ones is v = 0.
  const plus = (u: number): number => 2 * u;
  const NO_STEP = 0xffff_ffff;
  const bits = (num: bigint, den: bigint, word: number): number =>
    Number((expBounds(num, den, 32n * BigInt(word + 2))[0] >> 32n) & 0xffff_ffffn);
  const first = (words: number[]): { y: number; at: number } | null => {
    const target = Uint32Array.of(0);
    // What follows is never accepted: v = 0 and u = 1 against a third word of all ones.
    const rest = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? plus(1) : NO_STEP));
    const state: WordStream = { words: Uint32Array.from([...words, ...rest]), at: 0 };
    const done = createNoiseSampler(one)(target, 0, state);
    return done === 1 ? { y: target[0]! | 0, at: state.at } : null;
  };

  it('about acceptance, further words decide', () => {
    // u = 2, v = 0: accepted below exp(-x), x = 4/16 + 8/18 = 25/36.
    const tie = bits(25n, 36n, 0);
    const next = bits(25n, 36n, 1);
    expect(first([plus(2), NO_STEP, tie - 1])).toEqual({ y: 2, at: 3 });
    expect(first([plus(2), NO_STEP, tie + 1])).toBeNull();
    expect(first([plus(2), NO_STEP, tie, next - 1])).toEqual({ y: 2, at: 4 });
    expect(first([plus(2), NO_STEP, tie, next + 1])).toBeNull();
    const third = bits(25n, 36n, 2);
    expect(first([plus(2), NO_STEP, tie, next, third - 1])).toEqual({ y: 2, at: 5 });
    expect(first([plus(2), NO_STEP, tie, next, third + 1])).toBeNull();
    expect(first([plus(2) + 1, NO_STEP, tie, next, third - 1])).toEqual({ y: -2, at: 5 });
  });

  it('about the geometric part, further words decide', () => {
    for (let v = 1; v <= 22; v++) {
      const k = BigInt(v);
      const [tie, next] = [bits(k, 1n, 0), bits(k, 1n, 1)];
      // A third word of 0 is far below exp(-x) where y is small; further out exp(-x) < 2^-32 and it takes more words of 0, up to 12.
      const accept = Array<number>(14).fill(0);
      const below = first([plus(0), tie, 0, next - 1, ...accept]);
      const above = first([plus(0), tie, 0, next + 1, ...accept]);
      expect([v, below?.y]).toEqual([v, 3 * v]);
      expect([v, above?.y]).toEqual([v, 3 * (v - 1)]);
      // One word off, nothing is in doubt.
      expect(first([plus(0), tie + 1, 0, ...accept])?.y).toBe(3 * (v - 1));
      if (tie > 1) expect(first([plus(0), tie - 1, 0, ...accept])?.y).toBeGreaterThanOrEqual(3 * v);
    }
  });

  it('about an acceptance that is almost certain, further words decide too', () => {
    // s2 = t^2 - 1, u = 0, v = 1: x = 1 / (2 s2 t^2), which double arithmetic may find to be a little below 0.
    const second = 1_580_030_168 - 1;
    for (let t = 100_000; t < 100_100; t++) {
      const state: WordStream = {
        words: Uint32Array.of(0, second, NO_STEP, 7, ...Array<number>(30).fill(NO_STEP)),
        at: 0,
      };
      const target = Uint32Array.of(0);
      expect(createNoiseSampler({ num: t * t - 1, den: 1 })(target, 0, state)).toBe(1);
      expect([target[0], state.at]).toEqual([t, 4]);
    }
  });

  it('a 0 with a minus is dropped', () => {
    expect(first([plus(0), NO_STEP, 0])).toEqual({ y: 0, at: 3 });
    expect(first([plus(0) + 1, NO_STEP, 0])).toBeNull();
  });

  it('a draw that would make u uneven is dropped alone', () => {
    // 2^31 = 3 * 715827882 + 2.
    const last = 3 * 715_827_882;
    expect(first([2 * last, plus(2), NO_STEP, 0])).toEqual({ y: 2, at: 4 });
    expect(first([2 * (last - 1), NO_STEP, 0])).toEqual({ y: 2, at: 3 });
  });
});

/** The same algorithm as written in the paper's terms, every comparison by 128-bit integers, reading words in the same order. */
function inIntegers(
  num: bigint,
  den: bigint,
  words: number[],
  count: number,
): { samples: number[]; read: number } {
  const below = (word: number, a: bigint, b: bigint): boolean => {
    const [low, high] = expBounds(a, b, 128n);
    const x = BigInt(word) << 96n;
    // A word that needs more digits would have to be settled by more words; none of these streams has one.
    if (x <= high && x + (1n << 96n) >= low) throw new Error('a tie, once in 2^31 samples');
    return x < low;
  };
  let t = 1n;
  for (let step = 1n << 32n; step > 0n; step >>= 1n) while ((t + step - 1n) ** 2n * den <= num) t += step;
  const samples: number[] = [];
  let read = 0;
  while (samples.length < count) {
    const first = BigInt(words[read++]!);
    const draw = first >> 1n;
    if (draw >= 2n ** 31n - (2n ** 31n % t)) continue;
    const second = words[read++]!;
    let v = 0n;
    while (below(second, v + 1n, 1n)) v++;
    const y = (draw % t) + t * v;
    // exp(-u / t) and exp(-(y - s2 / t)^2 / (2 s2)) with s2 = num / den, as one exponent over one denominator.
    const gap = y * t * den - num;
    const a = (draw % t) * 2n * num * den * t + gap * gap;
    const accepted = below(words[read++]!, a, 2n * num * den * t * t);
    if (!accepted || (y === 0n && first % 2n === 1n)) continue;
    samples.push(Number(BigInt.asUintN(32, first % 2n === 1n ? -y : y)));
  }
  return { samples, read };
}
