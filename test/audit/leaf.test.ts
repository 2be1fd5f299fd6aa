import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  bytesToUtf8,
  canonicalBytes,
  concatBytes,
  createLeaf,
  leafToEnvelope,
  bytesToBase64Url,
  sha256,
  utf8ToBytes,
  verifyCommitment,
} from '@twinkeep/audit';

const at = new Date('2026-01-15T10:20:59.999Z');
const salt = new Uint8Array(32).fill(5);
const body = { decision: 'withdraw', category: 'behavioral' };
const malformed = expect.objectContaining({ code: 'leaf/malformed' });

test('a leaf says what and in which minute, and commits to the rest', () => {
  const { leaf, commit } = createLeaf({ type: 'consent.withdrawn', at, body, salt });
  expect(commit).toBe(`sha-256:${bytesToBase64Url(sha256(concatBytes(salt, canonicalBytes(body))))}`);
  expect(bytesToUtf8(leaf)).toBe(
    `{"at":"2026-01-15T10:20:00Z","commit":"${commit}","type":"consent.withdrawn","v":1}`,
  );
  expect(leafToEnvelope(leaf)).toEqual({
    v: 1,
    type: 'consent.withdrawn',
    at: '2026-01-15T10:20:00Z',
    commit,
  });
});

test('what is written is read, and is the canonical JSON of what is read', () => {
  const types = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}(\.[a-z0-9][a-z0-9_-]{0,9}){0,3}$/);
  const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
  const salts = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(types, times, salts, fc.jsonValue({ maxDepth: 3 }), (type, time, itsSalt, value) => {
      const itsBody: unknown = JSON.parse(JSON.stringify(value));
      const { leaf } = createLeaf({ type, at: time, body: itsBody, salt: itsSalt });
      const envelope = leafToEnvelope(leaf);
      expect(canonicalBytes(envelope)).toEqual(leaf);
      expect(Date.parse(envelope.at)).toBe(Math.floor(time.getTime() / 60_000) * 60_000);
      expect(verifyCommitment(leaf, itsBody, itsSalt)).toBe(true);
    }),
  );
});

test('a commitment opens only with its own body and salt', () => {
  const { leaf } = createLeaf({ type: 'consent.withdrawn', at, body, salt });
  expect(verifyCommitment(leaf, { ...body }, salt)).toBe(true);
  expect(verifyCommitment(leaf, { ...body, category: 'contextual' }, salt)).toBe(false);
  expect(verifyCommitment(leaf, body, salt.with(0, 0))).toBe(false);
  expect(verifyCommitment(leaf, body, new Uint8Array(0))).toBe(false);
});

test('salt and body cannot be cut elsewhere', () => {
  const { leaf } = createLeaf({ type: 'round.result', at, body: 12, salt });
  expect(verifyCommitment(leaf, 12, salt)).toBe(true);
  expect(verifyCommitment(leaf, 2, concatBytes(salt, utf8ToBytes('1')))).toBe(false);
});

test('without the salt no guess at a body of few possibilities matches', () => {
  const decisions = ['grant', 'refuse', 'withdraw'];
  const categories = ['behavioral', 'transactional', 'interaction', 'contextual'];
  const { commit } = createLeaf({ type: 'consent.withdrawn', at, body, salt });
  const guesses = decisions.flatMap((decision) => categories.map((category) => ({ decision, category })));
  expect(guesses).toContainEqual(body);
  for (const guess of guesses) {
    for (const prefix of [new Uint8Array(0), new Uint8Array(32)]) {
      const digest = bytesToBase64Url(sha256(concatBytes(prefix, canonicalBytes(guess))));
      expect(commit).not.toContain(digest);
    }
  }
});

describe('refused', () => {
  test.each([
    ['a short salt', { salt: salt.slice(1) }],
    ['a long salt', { salt: new Uint8Array(33) }],
    ['an invalid time', { at: new Date(Number.NaN) }],
    ['a year of five digits', { at: new Date('+012345-01-01T00:00:00Z') }],
    ['an empty type', { type: '' }],
    ['a type with a space', { type: 'consent withdrawn' }],
    ['a type in capitals', { type: 'Consent' }],
    ['a type that ends with a dot', { type: 'consent.' }],
    ['a type of 65 characters', { type: 'a'.repeat(65) }],
    ['a type with a newline', { type: 'consent\n' }],
  ])('to write: %s', (_, change) => {
    expect(() => createLeaf({ type: 'consent.withdrawn', at, body, salt, ...change })).toThrow(malformed);
  });

  test('to write: a body that is not JSON', () => {
    expect(() => createLeaf({ type: 'a', at, body: undefined, salt })).toThrow(
      expect.objectContaining({ code: 'canon/not-json' }),
    );
  });

  const good = bytesToUtf8(createLeaf({ type: 'consent.withdrawn', at, body, salt }).leaf);
  test.each([
    ['nothing', ''],
    ['a newline after it', `${good}\n`],
    ['a byte-order mark', `\ufeff${good}`],
    ['another version', good.replace('"v":1', '"v":2')],
    ['another member', good.replace('"v":1', '"subject":"x","v":1')],
    ['another order', `{"v":1,${good.slice(1).replace(',"v":1', '')}`],
    ['a space', good.replace(',', ', ')],
    ['seconds', good.replace(':00Z', ':01Z')],
    ['the 31st of February', good.replace('2026-01-15', '2026-02-31')],
    ['24 o’clock', good.replace('T10:20', 'T24:00')],
    ['an escaped character', good.replace('consent.', 'consen\\u0074.')],
    ['a commitment with stray bits', good.replace(/.","type/, 'B","type')],
    ['a short commitment', good.replace(/.","type/, '","type')],
    ['another hash', good.replace('sha-256', 'sha-512')],
  ])('to read: %s', (_, text) => {
    expect(text).not.toBe(good);
    expect(() => leafToEnvelope(utf8ToBytes(text))).toThrow(malformed);
  });

  test('to read: bytes that are not text', () => {
    expect(() => leafToEnvelope(Uint8Array.of(0xff))).toThrow(malformed);
    expect(() => verifyCommitment(Uint8Array.of(0xff), body, salt)).toThrow(malformed);
  });
});
