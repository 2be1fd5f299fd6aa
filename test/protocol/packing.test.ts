import {
  addPacked,
  isPacked,
  packedLength,
  packWords,
  ProtocolError,
  signedWords,
  unpackWords,
  type ModulusBits,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const BITS = [20, 24, 32] as const;
const bits = fc.constantFrom<ModulusBits>(...BITS);
const words = fc.uint32Array({ maxLength: 70 });

/** The definition, by big integers: word i is bits i*b and up of the little-endian number. */
function packByDefinition(input: Uint32Array, b: ModulusBits): Uint8Array {
  let number = 0n;
  input.forEach((word, i) => (number |= (BigInt(word) & ((1n << BigInt(b)) - 1n)) << BigInt(i * b)));
  return Uint8Array.from({ length: packedLength(input.length, b) }, (_, i) =>
    Number((number >> BigInt(8 * i)) & 255n),
  );
}

const cut = (word: number, b: ModulusBits): number => (b === 32 ? word : word & (2 ** b - 1));

describe('packed words', () => {
  it('lie as the definition says, whatever their number', () => {
    fc.assert(
      fc.property(words, bits, (input, b) => {
        expect([...packWords(input, b)]).toEqual([...packByDefinition(input, b)]);
      }),
    );
  });

  it('come back, cut to their bits, from any address', () => {
    fc.assert(
      fc.property(words, bits, fc.integer({ min: 0, max: 7 }), (input, b, offset) => {
        const packed = packWords(input, b);
        const moved = new Uint8Array(packed.length + offset);
        moved.set(packed, offset);
        const back = unpackWords(moved.subarray(offset), input.length, b);
        expect([...back]).toEqual(Array.from(input, (word) => cut(word, b)));
      }),
    );
  });

  it('take a view of a longer array for what it is', () => {
    const whole = Uint32Array.from({ length: 40 }, (_, i) => i * 0x9e3779b9);
    for (const b of BITS) {
      const part = whole.subarray(3, 29);
      expect(packWords(part, b)).toEqual(packWords(part.slice(), b));
      const sums = new Uint32Array(40);
      addPacked(sums.subarray(3, 29), packWords(part, b), b);
      expect([...sums]).toEqual(Array.from(whole, (word, i) => (i < 3 || i >= 29 ? 0 : cut(word, b))));
    }
  });

  it('add up modulo 2^b', () => {
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 6 }), (b, length, n) => {
        const vectors = Array.from({ length: n }, (_, v) =>
          Uint32Array.from(
            { length },
            (_unused, i) => Math.imul(i + 1, 0x85ebca6b) ^ Math.imul(v + 7, 0xc2b2ae35),
          ),
        );
        const sum = new Uint32Array(length);
        for (const vector of vectors) addPacked(sum, packWords(vector, b), b);
        const expected = Array.from({ length }, (_, i) =>
          Number(
            vectors.reduce((total, vector) => total + BigInt(vector[i]!), 0n) & ((1n << BigInt(b)) - 1n),
          ),
        );
        expect(Array.from(sum, (word) => cut(word, b))).toEqual(expected);
        expect([...unpackWords(packWords(sum, b), length, b)]).toEqual(expected);
      }),
    );
  });

  it.each(BITS)('of %d bits have one length', (b) => {
    for (const n of [0, 1, 2, 3, 7, 8, 9]) {
      const exact = new Uint8Array(packedLength(n, b));
      expect(exact.length).toBe(Math.ceil((n * b) / 8));
      expect(isPacked(exact, n, b)).toBe(true);
      for (const length of [exact.length - 1, exact.length + 1].filter((wrong) => wrong >= 0)) {
        const sum = Uint32Array.from({ length: n }, () => 5);
        expect(isPacked(new Uint8Array(length).fill(1), n, b)).toBe(false);
        expect(() => addPacked(sum, new Uint8Array(length).fill(1), b)).toThrowError(ProtocolError);
        expect(sum.every((word) => word === 5)).toBe(true);
      }
    }
  });

  it('have one spelling: bits after the last word are refused', () => {
    for (const n of [1, 3, 9]) {
      for (let bit = 4; bit < 8; bit++) {
        const bytes = packWords(new Uint32Array(n), 20);
        bytes[bytes.length - 1] = 1 << bit;
        expect(isPacked(bytes, n, 20)).toBe(false);
        expect(() => unpackWords(bytes, n, 20)).toThrowError(
          expect.objectContaining({ code: 'protocol/layout' }),
        );
      }
      const full = packWords(new Uint32Array(n).fill(2 ** 32 - 1), 20);
      expect(isPacked(full, n, 20)).toBe(true);
    }
  });
});

describe('signed words', () => {
  it('are two’s complement of b bits', () => {
    for (const b of BITS) {
      const half = 2 ** (b - 1);
      const values = [0, 1, -1, 1_234, -1_234, half - 1, -half];
      const sum = Uint32Array.from(values, (value) => value >>> 0);
      expect([...signedWords(sum, b)]).toEqual(values);
      expect([...signedWords(unpackWords(packWords(sum, b), values.length, b), b)]).toEqual(values);
      expect([...signedWords(Uint32Array.of(half), b)]).toEqual([-half]);
    }
  });
});
