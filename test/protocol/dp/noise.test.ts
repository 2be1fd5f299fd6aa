/**
 * Noise as helpers add it. This suite runs in Node and in Chromium; the golden hashes make both give the same bits. They were made by another
 * implementation in another language too: HMAC and AES of OpenSSL, variances as fractions, exponentials of 150 bits.
 */
import { bytesToHex, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  addNoise,
  addNoiseChunk,
  NOISE_CHUNK_WORDS,
  webCryptoPrg,
  type MaskPrg,
  type Ratio,
} from '@twinkeep/protocol';
import { createCipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

async function noise(
  words: number,
  sigmaSquared: number | Ratio,
  key = KEY,
  prg = webCryptoPrg,
): Promise<Uint32Array> {
  const out = new Uint32Array(words);
  await addNoise(out, key, sigmaSquared, prg);
  return out;
}

describe('noise', () => {
  it.each([
    [{ num: 1, den: 4 }, '7fb01ad2908a3d9efce0fb188343cf15f1a8119e317a014cdb7642edafbf167c'],
    [9, 'f63b170796491244481dac63e28730115dce7db2439e981c43e6fccf988bb857'],
    [10_000, '838be3e7379b321ef1e891d53d9b2ae44a3c77b54467a4bf72838468e5eb3736'],
    [64_000_000, '8a58e1a82dd4f5539d04697c922db6249745f49634fbf2a5067dfe685349bcdf'],
    [2 ** 50 + 1, '392f524c1ae92d22b39ebe65fbee4530a378e0e2720da94d1845e6a80f50c13a'],
  ])('of variance %j is the same on every platform', async (variance, golden) => {
    const words = await noise(NOISE_CHUNK_WORDS + 1_000, variance);
    expect(bytesToHex(sha256(new Uint8Array(words.buffer)))).toBe(golden);
  });

  it('begins with these golden values', async () => {
    expect([...Int32Array.from((await noise(8, 10_000)).subarray(0, 8))]).toEqual([
      111, 93, 49, 11, -55, -237, 3, -58,
    ]);
  });

  it('is the same from another AES, by keys that another HKDF derives', async () => {
    const asked: { key: Uint8Array; words: number }[] = [];
    const otherPrg: MaskPrg = async (key, words) => {
      asked.push({ key, words });
      const bytes = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(words * 4));
      return new Uint32Array(Uint8Array.from(bytes).buffer);
    };
    const words = NOISE_CHUNK_WORDS + 10;
    expect(await noise(words, 100, KEY, otherPrg)).toEqual(await noise(words, 100));
    // info = "noise" ‖ variance ‖ chunk ‖ piece, each behind its length.
    const info = (chunk: number, piece: number): Uint8Array => {
      const fields = [utf8ToBytes('noise'), utf8ToBytes('100/1'), uint32(chunk), uint32(piece)];
      return Uint8Array.from(fields.flatMap((field) => [...uint32(field.length), ...field]));
    };
    const derived = (chunk: number, piece: number): string =>
      bytesToHex(new Uint8Array(hkdfSync('sha256', KEY, 'flsa/v1', info(chunk, piece), 32)));
    const pieces = asked.length - 1;
    expect(asked.map(({ key }) => bytesToHex(key))).toEqual([
      ...Array.from({ length: pieces }, (_, piece) => derived(0, piece)),
      derived(1, 0),
    ]);
    // About six words a sample, in pieces of bounded size.
    expect(pieces).toBeGreaterThan(4);
    expect(pieces).toBeLessThan(9);
    expect(Math.max(...asked.map(({ words }) => words))).toBeLessThanOrEqual(2 ** 16);
  });

  it('can be made chunk by chunk, in any order', async () => {
    const words = 2 * NOISE_CHUNK_WORDS + 77;
    const whole = await noise(words, 9);
    const parts = new Uint32Array(words);
    for (const chunk of [2, 0, 1]) {
      const start = chunk * NOISE_CHUNK_WORDS;
      await addNoiseChunk(parts.subarray(start, start + NOISE_CHUNK_WORDS), KEY, chunk, 9, webCryptoPrg);
    }
    expect(parts).toEqual(whole);
  });

  it('is another for every key, variance and chunk, and begins alike for every length', async () => {
    const first = await noise(400, 10_000);
    const others = await Promise.all([
      noise(400, 10_000, new Uint8Array(32)),
      noise(400, 10_001),
      noise(400, { num: 20_000, den: 2 }),
      noise(NOISE_CHUNK_WORDS + 400, 10_000).then((words) => words.subarray(NOISE_CHUNK_WORDS)),
    ]);
    for (const other of others) {
      const equal = other.filter((word, i) => word === first[i]).length;
      expect(equal).toBeLessThan(20);
    }
    expect((await noise(20, 10_000)).slice()).toEqual(first.slice(0, 20));
  });

  it('is added modulo 2^32', async () => {
    const fresh = await noise(300, 9);
    const sum = new Uint32Array(300).fill(0xffff_ffff);
    await addNoise(sum, KEY, 9, webCryptoPrg);
    expect([...sum]).toEqual([...fresh].map((word) => (word - 1) >>> 0));
    expect(fresh.some((word) => word > 2 ** 31) && fresh.some((word) => word > 0 && word < 20)).toBe(true);
  });

  it('is not made from a short key, for no variance, or for more than a chunk at a time', async () => {
    const refused = (work: Promise<unknown>): Promise<void> =>
      expect(work).rejects.toThrowError(expect.objectContaining({ code: 'protocol/privacy' }));
    await refused(noise(5, 9, new Uint8Array(31)));
    await refused(noise(5, 0));
    await refused(noise(5, 2.5));
    await refused(addNoiseChunk(new Uint32Array(NOISE_CHUNK_WORDS + 1), KEY, 0, 9, webCryptoPrg));
    expect(await noise(0, 9)).toHaveLength(0);
  });
});

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
