import { describe, expect, test } from 'vitest';

import { bytesToHex, createNoteKey, noteKeyToVkey, vkeyToNoteKey } from '@twinkeep/audit';

import { notes } from './vectors.ts';

const vkeys = [
  ...notes.goSumdb.vkeys,
  notes.c2spExample.vkey,
  notes.own.logVkey,
  notes.own.witnessVkey,
  notes.sunlightCosignature.vkey,
];
const malformed = { code: 'vkey/malformed' };

describe('verifier keys', () => {
  test.each(vkeys)('%s is read and written alike', (vkey) => {
    const key = vkeyToNoteKey(vkey);
    expect(noteKeyToVkey(key)).toBe(vkey);
    expect(createNoteKey(key.name, key.publicKey, key.algorithm)).toEqual(key);
  });

  test('name, id and key are those of the vectors', () => {
    expect(vkeyToNoteKey(notes.own.logVkey)).toMatchObject({
      name: 'twin.example/audit',
      id: 'a6478ebd',
      algorithm: 'ed25519',
    });
    expect(bytesToHex(vkeyToNoteKey(notes.own.logVkey).publicKey)).toBe(notes.own.logPubHex);
    expect(bytesToHex(vkeyToNoteKey(notes.own.witnessVkey).publicKey)).toBe(notes.own.witnessPubHex);
    expect(vkeyToNoteKey(notes.own.witnessVkey).algorithm).toBe('cosignature');
    expect(bytesToHex(vkeyToNoteKey(notes.goSumdb.vkeys[0]!).publicKey)).toBe(notes.goSumdb.peterPubHex);
  });

  test.each(vkeys)('no proper substring of %s is a key', (vkey) => {
    for (let start = 0; start < vkey.length; start++) {
      for (let end = start; end <= vkey.length; end++) {
        if (end - start === vkey.length) continue;
        expect(() => vkeyToNoteKey(vkey.slice(start, end))).toThrow(expect.objectContaining(malformed));
      }
    }
  });

  test.each(vkeys)('no single-byte increment of %s is a key', (vkey) => {
    for (let i = 0; i < vkey.length; i++) {
      const changed = vkey.slice(0, i) + String.fromCharCode(vkey.charCodeAt(i) + 1) + vkey.slice(i + 1);
      expect(() => vkeyToNoteKey(changed)).toThrow(expect.objectContaining(malformed));
    }
  });

  test.each([
    [
      'a key of the wrong length',
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    ],
    ['an unknown algorithm', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
    ['an upper-case id', 'PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
    ['a trailing newline', `${notes.own.logVkey}\n`],
    ['a leading space', ` ${notes.own.logVkey}`],
    ['no name', notes.own.logVkey.slice(notes.own.logVkey.indexOf('+'))],
    ['nothing', ''],
  ])('refused: %s', (_, vkey) => {
    expect(() => vkeyToNoteKey(vkey)).toThrow(expect.objectContaining(malformed));
  });

  test.each([
    '',
    'with space',
    'with+plus',
    'nbsp\u00a0',
    'nel\u0085',
    'line\u2028',
    'tab\t',
    'nul\0',
    '\ud800',
  ])('refused as a name: %j', (name) => {
    const { publicKey } = vkeyToNoteKey(notes.own.logVkey);
    expect(() => createNoteKey(name, publicKey)).toThrow(expect.objectContaining(malformed));
  });

  test.each([0, 31, 33, 64])('refused as a public key: %d bytes', (length) => {
    expect(() => createNoteKey('key', new Uint8Array(length))).toThrow(expect.objectContaining(malformed));
  });

  test('a name may be any other text', () => {
    const { publicKey } = vkeyToNoteKey(notes.own.logVkey);
    const key = createNoteKey('bücher.example/日誌', publicKey);
    expect(vkeyToNoteKey(noteKeyToVkey(key))).toEqual(key);
  });
});
