/**
 * The mask generator: AES-256-CTR with a zero counter block over zero bytes, read as little-endian 32-bit words.
 * A browser uses WebCrypto (here); a server passes in `node:crypto`, which gives the same bytes about five times faster.
 */
import { ProtocolError } from './problem.ts';

/**
 * @param key 32 bytes, used for this one expansion only
 * @param words number of 32-bit words wanted
 */
export type MaskPrg = (key: Uint8Array, words: number) => Promise<Uint32Array>;

export const webCryptoPrg: MaskPrg = async (key, words) => {
  const imported = await crypto.subtle.importKey('raw', copy(key), 'AES-CTR', false, ['encrypt']);
  const algorithm = { name: 'AES-CTR', counter: new Uint8Array(16), length: 64 };
  const stream = await crypto.subtle.encrypt(algorithm, imported, new Uint8Array(words * 4));
  return littleEndianWords(stream);
};

/** Words of a little-endian byte stream; a view on the machines we run on, all of which are little-endian. */
export function littleEndianWords(stream: ArrayBuffer): Uint32Array {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
    throw new ProtocolError('protocol/layout', 'a big-endian machine is not supported');
  }
  return new Uint32Array(stream);
}

// WebCrypto's types refuse views that might lie on shared memory; a copy of 32 bytes settles it.
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
