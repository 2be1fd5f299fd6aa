import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  bytesToPublished,
  bytesToUtf8,
  createLeaf,
  isPruned,
  parseLogPolicy,
  prunableTo,
  publishedToBytes,
  tilesFor,
  utf8ToBytes,
  type LogPolicy,
} from '@twinkeep/audit';

import { policyEntry } from './tiled.ts';

const malformed = expect.objectContaining({ code: 'log-policy/malformed' });
const DAY = 86_400_000;
const START = Date.parse('2026-01-01T00:00:00Z');

describe('a policy', () => {
  const policy: LogPolicy = {
    v: 1,
    minimumIndex: 4,
    retention: { consent: 3650, 'round-config': null },
    otherwise: 30,
  };

  test('is what it says', () => {
    expect(parseLogPolicy(policy)).toEqual(policy);
    expect(parseLogPolicy({ ...policy, otherwise: null, retention: {} }).otherwise).toBeNull();
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['another version', { ...policy, v: 2 }],
    ['a negative index', { ...policy, minimumIndex: -1 }],
    ['half an index', { ...policy, minimumIndex: 0.5 }],
    ['an index beyond 2^53', { ...policy, minimumIndex: 2 ** 53 }],
    ['no index', { v: 1, retention: {}, otherwise: 1 }],
    ['no rule for what is not named', { v: 1, minimumIndex: 0, retention: {} }],
    ['zero days', { ...policy, otherwise: 0 }],
    ['a day more than a hundred years', { ...policy, retention: { consent: 36_526 } }],
    ['days in words', { ...policy, retention: { consent: 'forever' } }],
    [
      '65 classes',
      { ...policy, retention: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, 1])) },
    ],
    ['a long class', { ...policy, retention: { ['c'.repeat(65)]: 1 } }],
    ['something more', { ...policy, note: 'x' }],
  ])('refused: %s', (_, input) => {
    expect(() => parseLogPolicy(input)).toThrow(malformed);
  });
});

describe('a published policy', () => {
  const { pruning: published } = policyEntry(9, 4);
  const text = bytesToUtf8(publishedToBytes(published));

  test('is read and written alike', () => {
    expect(bytesToPublished(publishedToBytes(published))).toEqual(published);
  });

  test.each([
    ['spaces', text.replace('{', '{ ')],
    ['a newline', `${text}\n`],
    ['more', text.replace('{', '{"a":1,')],
    ['a salt that is no base64url', text.replace(/"salt":"[^"]*"/, '"salt":"+"')],
    ['no leaf', text.replace(/"leaf":9,/, '')],
    ['a negative leaf', text.replace(/"leaf":9/, '"leaf":-9')],
    ['nothing', ''],
  ])('refused: %s', (_, bad) => {
    expect(bad).not.toBe(text);
    expect(() => bytesToPublished(utf8ToBytes(bad))).toThrow(malformed);
  });
});

describe('what may be pruned', () => {
  const policy: LogPolicy = { v: 1, minimumIndex: 0, retention: { consent: 10, task: null }, otherwise: 2 };
  const entry = (type: string, day: number): Uint8Array =>
    createLeaf({ type, at: new Date(START + day * DAY), body: day, salt: new Uint8Array(32) }).leaf;
  const at = (day: number): Date => new Date(START + day * DAY);

  test('ends before the first entry that must be kept, whatever is after it', () => {
    const entries = [
      entry('access', 0),
      entry('consent', 1),
      entry('access', 1),
      entry('task', 2),
      entry('access', 2),
    ];
    expect(prunableTo(policy, entries, 0, at(1))).toBe(0);
    expect(prunableTo(policy, entries, 0, at(2))).toBe(1);
    expect(prunableTo(policy, entries, 0, at(10))).toBe(1);
    expect(prunableTo(policy, entries, 0, at(11))).toBe(3);
    expect(prunableTo(policy, entries, 0, at(40_000))).toBe(3);
    expect(prunableTo(policy, entries.slice(1), 1, at(11))).toBe(3);
    expect(prunableTo(policy, [], 7, at(11))).toBe(7);
  });

  test('an entry stays to the minute of its last day', () => {
    const entries = [entry('access', 0)];
    expect(prunableTo(policy, entries, 0, new Date(START + 2 * DAY - 1))).toBe(0);
    expect(prunableTo(policy, entries, 0, new Date(START + 2 * DAY))).toBe(1);
  });

  test('a class called like a method of objects is one like any other', () => {
    expect(prunableTo(policy, [entry('constructor', 0)], 0, at(2))).toBe(1);
    expect(prunableTo(policy, [entry('constructor', 0)], 0, at(1))).toBe(0);
  });

  test('what is no leaf is not pruned over', () => {
    expect(() => prunableTo(policy, [Uint8Array.of(1)], 0, at(9))).toThrow(
      expect.objectContaining({ code: 'leaf/malformed' }),
    );
  });
});

test('a tile may be missing if all of the full tile is below the minimum index', () => {
  fc.assert(
    fc.property(fc.nat(70_000), fc.nat(70_000), fc.boolean(), (a, b, isWhole) => {
      const size = Math.max(a, b);
      const minimumIndex = isWhole ? Math.min(a, b) - (Math.min(a, b) % 256) : Math.min(a, b);
      for (const tile of tilesFor(size)) {
        const span = tile.level === 'entries' ? 256 : 256 ** (tile.level + 1);
        const isBelow = (tile.index + 1) * span <= minimumIndex;
        // Not an `expect` for each: they are some hundred thousand.
        if (isPruned(tile, minimumIndex) !== isBelow) expect(tile).toBeNull();
      }
    }),
    {
      numRuns: 30,
      examples: [
        [65_536, 70_000, true],
        [65_535, 70_000, false],
      ],
    },
  );
});
