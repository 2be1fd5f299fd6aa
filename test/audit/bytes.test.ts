import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  base64ToBytes,
  base64UrlToBytes,
  bytesToBase64,
  bytesToBase64Url,
  bytesToHex,
  bytesToUtf8,
  concatBytes,
  equalBytes,
  hexToBytes,
  utf8ToBytes,
} from '@twinkeep/audit';

const malformed = expect.objectContaining({ code: 'bytes/malformed' });

test('encoders write what Node writes, decoders read it back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const node = Buffer.from(bytes);
      expect(bytesToBase64(bytes)).toBe(node.toString('base64'));
      expect(bytesToBase64Url(bytes)).toBe(node.toString('base64url'));
      expect(bytesToHex(bytes)).toBe(node.toString('hex'));
      expect(base64ToBytes(bytesToBase64(bytes))).toEqual(bytes);
      expect(base64UrlToBytes(bytesToBase64Url(bytes))).toEqual(bytes);
      expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
    }),
  );
});

test.each([
  ['base64', base64ToBytes, bytesToBase64],
  ['base64url', base64UrlToBytes, bytesToBase64Url],
  ['hex', hexToBytes, bytesToHex],
] as const)('%s: whatever is accepted is the only spelling', (_, decode, encode) => {
  const near = fc.string({ unit: fc.constantFrom(...'AQabf09+/-_= \n='.split('')), maxLength: 12 });
  fc.assert(
    fc.property(near, (text) => {
      let bytes: Uint8Array;
      try {
        bytes = decode(text);
      } catch {
        return;
      }
      expect(encode(bytes)).toBe(text);
    }),
    { numRuns: 5000 },
  );
});

describe('refused', () => {
  test.each([
    'A',
    'AA',
    'AAA',
    'AA=',
    'AB==',
    'AAB=',
    '====',
    'A===',
    'AAAA=',
    'AA==AAAA',
    'AA-_',
    'AA A',
    'AAAé',
    'AAAA\n',
  ])('base64 %j', (text) => {
    expect(() => base64ToBytes(text)).toThrow(malformed);
  });

  test.each(['A', 'AAAAA', 'AA==', 'AB', 'AAB', 'AA+/', 'AA\n', 'A A'])('base64url %j', (text) => {
    expect(() => base64UrlToBytes(text)).toThrow(malformed);
  });

  test.each(['a', 'AB', '0x', 'ab\n', 'ab ', 'gg'])('hex %j', (text) => {
    expect(() => hexToBytes(text)).toThrow(malformed);
  });

  test('text that UTF-8 cannot carry, bytes that are not UTF-8', () => {
    expect(() => utf8ToBytes('a\ud800b')).toThrow(malformed);
    for (const hex of ['ff', 'c080', 'eda080', 'e282', 'f4908080']) {
      expect(() => bytesToUtf8(hexToBytes(hex))).toThrow(malformed);
    }
  });
});

test('text survives, a byte-order mark included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(bytesToUtf8(utf8ToBytes(text))).toBe(text);
    }),
    { examples: [['\ufeffmark'], ['a😀b']] },
  );
});

test('joining and comparing', () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  expect(concatBytes(a, b)).toEqual(Uint8Array.of(1, 2, 3));
  expect(concatBytes()).toEqual(new Uint8Array(0));
  expect(equalBytes(a, Uint8Array.of(1, 2))).toBe(true);
  expect(equalBytes(a, Uint8Array.of(1, 3))).toBe(false);
  expect(equalBytes(a, concatBytes(a, b))).toBe(false);
});
