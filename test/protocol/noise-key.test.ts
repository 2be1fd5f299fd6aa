import { noiseKey } from '@twinkeep/protocol';
import { createHash, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');

describe('the noise key of a set', () => {
  it('is HKDF-SHA-256 of the hashed seeds, with set commit and helper set as info', () => {
    const seeds = [bytes(1), bytes(2), bytes(3)];
    const field = (part: Uint8Array): Uint8Array => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(part.length);
      return Buffer.concat([length, part]);
    };
    const info = Buffer.concat(
      [Buffer.from('noise'), bytes(9), Uint8Array.of(2, 1, 4)].map((part) => field(part)),
    );
    const ikm = createHash('sha256').update(Buffer.concat(seeds)).digest();
    const expected = new Uint8Array(hkdfSync('sha256', ikm, 'flsa/v1', info, 32));
    expect(hex(noiseKey(seeds, bytes(9), [1, 4]))).toBe(hex(expected));
  });

  it('is another for another seed, order, commit or helper set', () => {
    const keys = [
      noiseKey([bytes(1), bytes(2)], bytes(9), [1]),
      noiseKey([bytes(1), bytes(3)], bytes(9), [1]),
      noiseKey([bytes(2), bytes(1)], bytes(9), [1]),
      noiseKey([bytes(1), bytes(2)], bytes(8), [1]),
      noiseKey([bytes(1), bytes(2)], bytes(9), [2]),
      noiseKey([bytes(1), bytes(2)], bytes(9), [1, 2]),
    ];
    expect(new Set(keys.map(hex)).size).toBe(keys.length);
  });

  it('is made of whole seeds only', () => {
    for (const seeds of [[], [bytes(1), new Uint8Array(31)]])
      expect(() => noiseKey(seeds, bytes(9), [1])).toThrow(expect.objectContaining({ code: 'protocol/box' }));
  });
});
