/** The mask generator of a server: the bytes of `webCryptoPrg`, several times faster. */
import { createCipheriv } from 'node:crypto';
import {
  addWords,
  CHUNK_WORDS,
  littleEndianWords,
  maskKey,
  type HelperSet,
  type MaskPrg,
} from '@twinkeep/protocol';

const ZERO_COUNTER = new Uint8Array(16);
/** Never written to: every expansion reads from it. */
const ZEROS = new Uint8Array(CHUNK_WORDS * 4);
/** A piece that was just made is still in the processor's cache when it is added. */
const PIECE_WORDS = 2 ** 14;

export const nodePrg: MaskPrg = async (key, words) => {
  const zeros = words <= CHUNK_WORDS ? ZEROS.subarray(0, words * 4) : new Uint8Array(words * 4);
  const stream = createCipheriv('aes-256-ctr', key, ZERO_COUNTER).update(zeros);
  // `update` may answer with a part of a pool, and a view of words has to start at its own buffer.
  const exact = stream.byteOffset === 0 && stream.byteLength === stream.buffer.byteLength;
  return littleEndianWords(exact ? stream.buffer : new Uint8Array(stream).buffer);
};

/** `addMask` of the protocol with `nodePrg`, without ever holding a mask: accumulator += mask(seed), modulo 2^32, in place. */
export function addMaskNow(
  accumulator: Uint32Array,
  seed: Uint8Array,
  rcHash: Uint8Array,
  set: HelperSet,
): void {
  for (let start = 0, chunk = 0; start < accumulator.length; start += CHUNK_WORDS, chunk++) {
    const key = maskKey(seed, rcHash, set, chunk);
    addKeystream(accumulator.subarray(start, start + CHUNK_WORDS), key);
    key.fill(0);
  }
}

function addKeystream(accumulator: Uint32Array, key: Uint8Array): void {
  const cipher = createCipheriv('aes-256-ctr', key, ZERO_COUNTER);
  for (let at = 0; at < accumulator.length; at += PIECE_WORDS) {
    const piece = accumulator.subarray(at, at + PIECE_WORDS);
    const stream = cipher.update(ZEROS.subarray(0, piece.length * 4));
    const aligned = stream.byteOffset % 4 === 0 ? stream : new Uint8Array(stream);
    addWords(piece, new Uint32Array(aligned.buffer, aligned.byteOffset, piece.length));
  }
}
