/** The mask generator of a server: the bytes of `webCryptoPrg`, several times faster. */
import { createCipheriv } from 'node:crypto';
import { CHUNK_WORDS, littleEndianWords, type MaskPrg } from '@twinkeep/protocol';

const ZERO_COUNTER = new Uint8Array(16);
/** Never written to: every expansion reads from it. */
const ZEROS = new Uint8Array(CHUNK_WORDS * 4);

export const nodePrg: MaskPrg = async (key, words) => {
  const zeros = words <= CHUNK_WORDS ? ZEROS.subarray(0, words * 4) : new Uint8Array(words * 4);
  const stream = createCipheriv('aes-256-ctr', key, ZERO_COUNTER).update(zeros);
  // `update` may answer with a part of a pool, and a view of words has to start at its own buffer.
  const exact = stream.byteOffset === 0 && stream.byteLength === stream.buffer.byteLength;
  return littleEndianWords(exact ? stream.buffer : new Uint8Array(stream).buffer);
};
