import {
  addMask,
  CHUNK_WORDS,
  helperFamily,
  randomBytes,
  sodiumReady,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { addMaskNow, nodePrg } from '@twinkeep/region';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => sodiumReady);

describe('the mask generator of a server', () => {
  it('gives the bytes of the browser’s, for any key and length', async () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(key, fc.integer({ min: 0, max: 5_000 }), async (bytes, words) => {
        expect(await nodePrg(bytes, words)).toEqual(await webCryptoPrg(bytes, words));
      }),
    );
  });

  it.each([CHUNK_WORDS - 1, CHUNK_WORDS, CHUNK_WORDS + 1])('also for %i words', async (words) => {
    const key = randomBytes(32);
    expect(Buffer.compare(bytesOf(await nodePrg(key, words)), bytesOf(await webCryptoPrg(key, words)))).toBe(
      0,
    );
  });

  it('leaves its source of zeros as it was', async () => {
    const key = randomBytes(32);
    const first = await nodePrg(key, 1_000);
    const again = first.slice();
    first.fill(7);
    expect(await nodePrg(key, 1_000)).toEqual(again);
  });

  it('makes masks that the browser’s takes away', async () => {
    const [seed, rcHash] = [randomBytes(32), randomBytes(32)];
    const words = CHUNK_WORDS + 10;
    for (const set of helperFamily(4, 1)) {
      const masked = new Uint32Array(words);
      await addMask(masked, seed, rcHash, set, nodePrg);
      const other = new Uint32Array(words);
      await addMask(other, seed, rcHash, set, webCryptoPrg);
      expect(Buffer.compare(bytesOf(masked), bytesOf(other))).toBe(0);
      // Also without ever holding the mask, on top of what is there.
      addMaskNow(masked, seed, rcHash, set);
      await addMask(other, seed, rcHash, set, webCryptoPrg);
      expect(Buffer.compare(bytesOf(masked), bytesOf(other))).toBe(0);
    }
  });
});

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
