import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { bytesToHex, canonicalBytes, canonicalJson, parseCanonicalJson, sha256 } from '@twinkeep/audit';

// RFC 8785 section 3.2.2, and a consent record whose canonical form and hash two other implementations agree on.
const RFC_VALUE = {
  numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
  string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
  literals: [null, true, false],
};
const RFC_TEXT =
  '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
const RECORD = {
  schema: 'urn:example:twin-consent:1',
  recordId: '01JCONSENT0000000000000001',
  subject: 'psn_8Qm2',
  controller: 'https://bank.example',
  jurisdiction: ['EU-DE'],
  notice: {
    id: 'notice-7',
    version: '3.1.0',
    lang: 'en',
    hash: 'sha-256:j9shRlAdz45tndhcJFCwLTfH4QhhOfj-_4m4bglvUy8',
  },
  grants: [
    {
      category: 'behavioral',
      purpose: 'https://w3id.org/dpv#ServicePersonalisation',
      operations: ['train'],
      legalBasis: 'https://w3id.org/dpv/legal/eu/gdpr#A6-1-a',
      state: 'given',
    },
  ],
  event: {
    type: 'grant',
    seq: 1,
    prev: null,
    at: '2026-01-15T10:00:00Z',
    validUntil: '2027-01-15T10:00:00Z',
    method: 'toggle+confirm',
  },
};
const RECORD_SHA256 = 'c22f33401f3b91fef853e2b0f9bd95894799bf92bccca76fb62733e7db0f7a86';

describe('canonical JSON', () => {
  test('published vectors', () => {
    expect(canonicalJson(RFC_VALUE)).toBe(RFC_TEXT);
    expect(parseCanonicalJson(RFC_TEXT)).toEqual(RFC_VALUE);
    expect(bytesToHex(sha256(canonicalBytes(RECORD)))).toBe(RECORD_SHA256);
  });

  test('keys sort by UTF-16 code units (RFC 8785 section 3.2.3)', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const value = Object.fromEntries(keys.map((key) => [key, 0]));
    expect(canonicalJson(value)).toBe('{"\\r":0,"1":0,"\u0080":0,"ö":0,"€":0,"😀":0,"\ufb33":0}');
  });

  test('one value, one text; one text, one value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json: unknown = JSON.parse(JSON.stringify(value));
        const text = canonicalJson(json);
        expect(parseCanonicalJson(text)).toEqual(json);
        expect(canonicalJson(reversed(json))).toBe(text);
      }),
    );
  });

  test('objects without prototype are plain, and __proto__ is a key like any other', () => {
    const value = Object.assign(Object.create(null) as object, { a: 1 });
    expect(canonicalJson(value)).toBe('{"a":1}');
    expect(canonicalJson(parseCanonicalJson('{"__proto__":1}'))).toBe('{"__proto__":1}');
  });
});

describe('refused as not JSON', () => {
  class Point {
    x = 1;
  }
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const holes: unknown[] = [1];
  holes[2] = 3;

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['an undefined item', [undefined]],
    ['a hole', holes],
    ['an array with a key', Object.assign([1], { a: 1 })],
    ['NaN', Number.NaN],
    ['infinity', { a: [Number.POSITIVE_INFINITY] }],
    ['negative zero', [-0]],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['an object with toJSON', { toJSON: () => 1 }],
    ['a symbol', Symbol('a')],
    ['a symbol key', { [Symbol('a')]: 1 }],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', new Uint8Array(2)],
    ['a boxed string', new String('a')],
    ['an instance', new Point()],
    ['a lone surrogate', 'a\udc00'],
    ['a lone surrogate in a key', { '\ud800': 1 }],
    ['a cycle', cycle],
    ['65 levels', JSON.parse(`${'['.repeat(66)}${']'.repeat(66)}`)],
  ])('%s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'canon/not-json' }));
  });

  test('the message says where', () => {
    expect(() => canonicalJson({ a: [1, { b: Number.NaN }] })).toThrow(/\$\.a\[1\]\.b/);
  });
});

test.each([
  '',
  ' {}',
  '{} ',
  '{"b":1,"a":2}',
  '{"a":1,"a":1}',
  '1.0',
  '1e2',
  '"\\u0041"',
  '"\\/"',
  '[1, 2]',
  '{',
  '\ufeff1',
])('refused as not canonical: %j', (text) => {
  expect(() => parseCanonicalJson(text)).toThrow(expect.objectContaining({ code: 'canon/not-canonical' }));
});

test('canonical spelling of something that is not JSON has no text: -0 stays refused', () => {
  expect(() => parseCanonicalJson('-0')).toThrow(expect.objectContaining({ code: 'canon/not-json' }));
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
