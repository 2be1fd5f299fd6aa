/**
 * Random numbers addressed by (seed, entity, field, index), so that a value depends on nothing but its own address:
 * adding a field, a customer or a thread never shifts another value.
 *
 * Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011; known-answer vectors of Random123 in the tests). Key = the 64 bits of the seed; counter = [block, index,
 * FNV-1a-32 of the field name, entity]. Only 32-bit integer arithmetic, so every engine gives the same bits.
 * Statistical quality only: whoever sees outputs can search for the seed. Never use it for keys, masks or privacy noise.
 */

/** An endless sequence of random 32-bit words, owned by one (seed, entity, field, index). */
export interface RandomStream {
  /** The next word, an integer in [0, 2^32). */
  uint32(): number;
}

export interface RandomSource {
  /** A fresh stream from its beginning. `entity` and `index` are integers in [0, 2^32); `field` names the drawn quantity. */
  stream(entity: number, field: string, index?: number): RandomStream;
}

/** `seed` is an integer in [0, 2^53). @throws RangeError */
export function createRandomSource(seed: number): RandomSource {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed: ${seed} is no integer from 0 to 2^53 - 1`);
  const key0 = seed >>> 0;
  const key1 = Math.floor(seed / 0x100000000);
  const fieldHashes = new Map<string, number>();

  return {
    stream(entity, field, index = 0) {
      let hash = fieldHashes.get(field);
      if (hash === undefined) fieldHashes.set(field, (hash = fnv1a32(field)));
      return createStream(key0, key1, index, hash, entity);
    },
  };
}

function createStream(
  key0: number,
  key1: number,
  index: number,
  field: number,
  entity: number,
): RandomStream {
  const words = new Uint32Array(4);
  let block = 0;
  let used = 4;
  return {
    uint32() {
      if (used === 4) {
        words[0] = block++;
        words[1] = index;
        words[2] = field;
        words[3] = entity;
        philox4x32(words, key0, key1);
        used = 0;
      }
      return words[used++] as number;
    },
  };
}

/** Ten rounds of Philox over the four counter words in place. */
export function philox4x32(words: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = words as unknown as [number, number, number, number];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of a 32 x 32 bit product, from 16-bit halves, every partial sum below 2^32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const highLow = aHigh * bLow;
  const lowHigh = aLow * bHigh;
  const carry = ((aLow * bLow) >>> 16) + (highLow & 0xffff) + (lowHigh & 0xffff);
  return aHigh * bHigh + (highLow >>> 16) + (lowHigh >>> 16) + (carry >>> 16);
}

/** FNV-1a, 32 bits, over the UTF-16 code units of an ASCII name (the same as over its bytes). */
export function fnv1a32(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
