import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandomSource, fnv1a32, philox4x32 } from '@twinkeep/synthetic/random';

const words = (hex: string): number[] => hex.split(' ').map((word) => Number.parseInt(word, 16));

describe('philox4x32-10', () => {
  // Random123 v1.14.0, tests/kat_vectors: counter, key, output.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('counter %s, key %s', (counter, key, output) => {
    const state = Uint32Array.from(words(counter));
    const [key0, key1] = words(key) as [number, number];
    philox4x32(state, key0, key1);
    expect([...state]).toEqual(words(output));
  });
});

describe('fnv1a32', () => {
  // draft-eastlake-fnv, appendix C.
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('%j', (text, hash) => {
    expect(fnv1a32(text)).toBe(hash);
  });
});

function take(seed: number, entity: number, field: string, index: number, count = 6): number[] {
  const stream = createRandomSource(seed).stream(entity, field, index);
  return Array.from({ length: count }, () => stream.uint32());
}

describe('addressed streams', () => {
  it('puts seed, block, index, field and entity where the header says', () => {
    const seed = 7 * 2 ** 32 + 0xfedcba98;
    for (const block of [0, 1]) {
      const state = Uint32Array.of(block, 3, fnv1a32('price'), 0x80000001);
      philox4x32(state, 0xfedcba98, 7);
      expect(take(seed, 0x80000001, 'price', 3, 8).slice(4 * block, 4 * block + 4)).toEqual([...state]);
    }
  });

  it('keeps the values of the first release (made with an independent implementation)', () => {
    expect(take(42, 5, 'tenure', 0, 5)).toEqual([419237674, 40822375, 2699173140, 832064408, 3113570907]);
  });

  it('gives every address a sequence of its own', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff });
    const address = fc.tuple(fc.maxSafeNat(), number, fc.string({ unit: 'binary-ascii' }), number);
    fc.assert(
      fc.property(address, address, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(JSON.stringify(take(...one)) === JSON.stringify(take(...other))).toBe(same);
      }),
    );
    const neighbours: Parameters<typeof take>[] = [
      [1, 1, 'a', 1],
      [2, 1, 'a', 1],
      [1 + 2 ** 32, 1, 'a', 1],
      [1, 2, 'a', 1],
      [1, 1, 'b', 1],
      [1, 1, 'a', 2],
    ];
    expect(new Set(neighbours.map((neighbour) => take(...neighbour).join())).size).toBe(neighbours.length);
  });

  it('is not moved by what other streams draw', () => {
    const random = createRandomSource(9);
    const one = random.stream(1, 'x');
    const interleaved: number[] = [];
    for (let i = 0; i < 6; i++) {
      interleaved.push(one.uint32());
      random.stream(2, 'x').uint32();
      random.stream(1, 'y').uint32();
    }
    expect(interleaved).toEqual(take(9, 1, 'x', 0));
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => createRandomSource(seed)).toThrow(RangeError);
  });
});
