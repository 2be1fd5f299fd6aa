/**
 * Masking of Profile H. Parties: a reporter (a device or a region node), the coordinator, m helpers.
 *
 * The reporter draws one 32-byte seed for every set A of the family, adds the expansion of every seed to its quantised vector
 * modulo 2^b, and gives seed s_A, in sealed boxes, to the helpers outside A. The coordinator holds y = q + sum_A mask(s_A);
 * it opens nothing without the sums of masks, and helpers give those for one set of reports only.
 *
 * Masks are words of 32 bits. Sums run modulo 2^32 and are cut to b bits on the wire (`packing.ts`): 2^b divides 2^32, and the lowest b
 * bits of a uniform word are uniform.
 *
 * Limits: masks hide a vector, not that it was sent, nor how many twins are in it; what the opened sum itself reveals is the
 * concern of differential privacy. A mask key is bound to the round configuration and the set, and used once.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 as sha256Hash } from '@noble/hashes/sha2.js';
import { sha256, utf8ToBytes } from '@twinkeep/audit';
import { helperSetToBytes, type HelperSet } from './family.ts';
import { lengthPrefixed, uint32ToBytes } from './frame.ts';
import type { MaskPrg } from './prg.ts';
import { ProtocolError } from './problem.ts';
import { MASK_SALT } from './version.ts';

export const SEED_BYTES = 32;

/** Words expanded under one key; longer vectors take a key per chunk, so that chunks can be expanded by several threads. */
export const CHUNK_WORDS: number = 2 ** 20;

/** k = HKDF-SHA-256(ikm = s_A, salt, info = "mask" ‖ rcHash ‖ A ‖ chunk), section 2.4. */
export function maskKey(seed: Uint8Array, rcHash: Uint8Array, set: HelperSet, chunk: number): Uint8Array {
  if (seed.length !== SEED_BYTES) throw new ProtocolError('protocol/box', 'a mask seed has 32 bytes');
  const info = lengthPrefixed(utf8ToBytes('mask'), rcHash, helperSetToBytes(set), uint32ToBytes(chunk));
  return hkdf(sha256Hash, seed, utf8ToBytes(MASK_SALT), info, 32);
}

/** commit[A] = SHA-256("flsa/seed" ‖ rcHash ‖ A ‖ s_A): lets every helper see that it got the seed that was committed to. */
export function seedCommitment(seed: Uint8Array, rcHash: Uint8Array, set: HelperSet): Uint8Array {
  return sha256(lengthPrefixed(utf8ToBytes('flsa/seed'), rcHash, helperSetToBytes(set), seed));
}

/** accumulator += mask(seed), modulo 2^32, in place. */
export async function addMask(
  accumulator: Uint32Array,
  seed: Uint8Array,
  rcHash: Uint8Array,
  set: HelperSet,
  prg: MaskPrg,
): Promise<void> {
  for (let start = 0, chunk = 0; start < accumulator.length; start += CHUNK_WORDS, chunk++) {
    const words = Math.min(CHUNK_WORDS, accumulator.length - start);
    const mask = await prg(maskKey(seed, rcHash, set, chunk), words);
    addWords(accumulator.subarray(start, start + words), mask);
  }
}

/** accumulator += words, modulo 2^32, in place; signed or not makes no difference to the bits. */
export function addWords(accumulator: Uint32Array | Int32Array, words: Uint32Array | Int32Array): void {
  sameLength(accumulator, words);
  // As Int32Array and four at a time: half as fast again on V8, and this loop is all of the arithmetic of a helper.
  const sum = new Int32Array(accumulator.buffer, accumulator.byteOffset, accumulator.length);
  const added = new Int32Array(words.buffer, words.byteOffset, words.length);
  const end = sum.length - (sum.length % 4);
  for (let i = 0; i < end; i += 4) {
    sum[i] = ((sum[i] as number) + (added[i] as number)) | 0;
    sum[i + 1] = ((sum[i + 1] as number) + (added[i + 1] as number)) | 0;
    sum[i + 2] = ((sum[i + 2] as number) + (added[i + 2] as number)) | 0;
    sum[i + 3] = ((sum[i + 3] as number) + (added[i + 3] as number)) | 0;
  }
  for (let i = end; i < sum.length; i++) sum[i] = ((sum[i] as number) + (added[i] as number)) | 0;
}

/** accumulator -= words, modulo 2^32, in place. */
export function subtractWords(accumulator: Uint32Array, words: Uint32Array): void {
  sameLength(accumulator, words);
  for (let i = 0; i < accumulator.length; i++)
    accumulator[i] = (accumulator[i] as number) - (words[i] as number);
}

function sameLength(a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length)
    throw new ProtocolError('protocol/layout', `lengths ${a.length} and ${b.length} differ`);
}
