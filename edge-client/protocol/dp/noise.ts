/**
 * Noise on a sum: what a helper adds to the sum of masks of one set before it answers. All holders of the set have the key, so that
 * their answers agree bit for bit and the coordinator can compare them; whoever misses the key, the coordinator and c helpers for at
 * least one set, cannot take this noise off the opened sum.
 *
 * The words come from AES-256-CTR, a key per chunk of the vector and per piece of key stream (how many words a chunk takes is known
 * only when it is done): chunks can be given to threads, and memory stays bounded. A key of noise is used for one set of one round.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@twinkeep/audit';
import { lengthPrefixed, uint32ToBytes } from '../frame.ts';
import type { MaskPrg } from '../prg.ts';
import { ProtocolError } from '../problem.ts';
import { MASK_SALT } from '../version.ts';
import { createNoiseSampler, type Ratio, type WordStream } from './sampler.ts';

/** Words of the vector under one key. */
export const NOISE_CHUNK_WORDS: number = 2 ** 16;

/** Words of key stream per expansion: about ten thousand samples. */
const PIECE_WORDS = 2 ** 16;

const KEY_BYTES = 32;

/**
 * accumulator += N_Z(0, sigmaSquared) in every word, independently, modulo 2^32, in place.
 * @param key 32 bytes that all holders of the set share
 * @param sigmaSquared in grid steps squared: a positive integer, or a ratio of two
 * @throws ProtocolError 'protocol/privacy'
 */
export async function addNoise(
  accumulator: Uint32Array,
  key: Uint8Array,
  sigmaSquared: number | Ratio,
  prg: MaskPrg,
): Promise<void> {
  for (let start = 0, chunk = 0; start < accumulator.length; start += NOISE_CHUNK_WORDS, chunk++)
    await addNoiseChunk(
      accumulator.subarray(start, start + NOISE_CHUNK_WORDS),
      key,
      chunk,
      sigmaSquared,
      prg,
    );
}

/** The part of `addNoise` that concerns one chunk: `words` are those from chunk * NOISE_CHUNK_WORDS on, at most NOISE_CHUNK_WORDS. */
export async function addNoiseChunk(
  words: Uint32Array,
  key: Uint8Array,
  chunk: number,
  sigmaSquared: number | Ratio,
  prg: MaskPrg,
): Promise<void> {
  if (key.length !== KEY_BYTES)
    throw new ProtocolError('protocol/privacy', `a key of noise has ${KEY_BYTES} bytes`);
  if (words.length > NOISE_CHUNK_WORDS)
    throw new ProtocolError('protocol/privacy', `${words.length} words are more than a chunk`);
  const variance = typeof sigmaSquared === 'number' ? { num: sigmaSquared, den: 1 } : sigmaSquared;
  const sample = createNoiseSampler(variance);
  const stream: WordStream = { words: new Uint32Array(0), at: 0 };
  for (let done = 0, piece = 0; done < words.length; piece++) {
    stream.words = joined(
      stream.words.subarray(stream.at),
      await prg(pieceKey(key, variance, chunk, piece), PIECE_WORDS),
    );
    stream.at = 0;
    done = sample(words, done, stream);
  }
}

/** The variance is part of the derivation: the same key with another variance gives unrelated noise, so their difference tells nothing. */
function pieceKey(key: Uint8Array, { num, den }: Ratio, chunk: number, piece: number): Uint8Array {
  const info = lengthPrefixed(
    utf8ToBytes('noise'),
    utf8ToBytes(`${num}/${den}`),
    uint32ToBytes(chunk),
    uint32ToBytes(piece),
  );
  return hkdf(sha256, key, utf8ToBytes(MASK_SALT), info, KEY_BYTES);
}

/** What is left of the words before, fewer than one proposal, and the new ones. */
function joined(left: Uint32Array, piece: Uint32Array): Uint32Array {
  const out = new Uint32Array(left.length + piece.length);
  out.set(left);
  out.set(piece, left.length);
  return out;
}
