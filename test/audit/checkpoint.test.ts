import { describe, expect, test } from 'vitest';

import {
  base64ToBytes,
  bytesToHex,
  checkpointToText,
  createNoteKey,
  createSigner,
  EMPTY_ROOT,
  hexToBytes,
  openCheckpoint,
  signCheckpoint,
  signNote,
  textToCheckpoint,
  verifyConsistency,
} from '@twinkeep/audit';

import { notes, rfc } from './vectors.ts';

const { own } = notes;
const signer = createSigner(hexToBytes(own.logSeedHex));
const origin = 'twin.example/audit';
const malformed = expect.objectContaining({ code: 'checkpoint/malformed' });

test.each(Object.entries(own.checkpoints))(
  'checkpoint of %s leaves is signed and opened',
  async (size, note) => {
    const checkpoint = { origin, size: Number(size), root: hexToBytes(rfc.roots[Number(size)]!.root) };
    expect(await signCheckpoint(checkpoint, signer)).toBe(note);
    expect(openCheckpoint(note, own.logVkey)).toEqual(checkpoint);
  },
);

test('a witnessed checkpoint opens with the log key, unless other lines are refused', () => {
  expect(openCheckpoint(own.note, own.logVkey).size).toBe(8);
  expect(() => openCheckpoint(own.note, own.logVkey, { unknownSignatures: 'refuse' })).toThrow(
    expect.objectContaining({ code: 'note/unknown-signature' }),
  );
});

test('the add-checkpoint request of the vectors holds a proof between its checkpoints', () => {
  const request = own.addCheckpointRequests['6->8']!;
  const [head, ...rest] = request.split('\n\n');
  const [old, ...proof] = head!.split('\n');
  const newer = openCheckpoint(rest.join('\n\n'), own.logVkey);
  const older = openCheckpoint(own.checkpoints['6']!, own.logVkey);
  expect(old).toBe(`old ${older.size}`);
  const claim = { size1: older.size, root1: older.root, size2: newer.size, root2: newer.root };
  expect(verifyConsistency({ ...claim, proof: proof.map(base64ToBytes) })).toBe(true);
});

test('the key of another log does not speak for this one', async () => {
  const note = await signNote(own.checkpointBody, [{ name: 'other.example/log', signer }]);
  expect(() => openCheckpoint(note, createNoteKey('other.example/log', signer.publicKey))).toThrow(
    expect.objectContaining({ code: 'checkpoint/wrong-origin' }),
  );
});

describe('checkpoint text', () => {
  const root = 'XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=';

  test('is read and written alike', () => {
    const checkpoint = textToCheckpoint(own.checkpointBody);
    expect(bytesToHex(checkpoint.root)).toBe(rfc.roots[8]!.root);
    expect(checkpointToText(checkpoint)).toBe(own.checkpointBody);
    expect(textToCheckpoint(`${origin}\n${2 ** 53 - 1}\n${root}\n`).size).toBe(2 ** 53 - 1);
  });

  test.each([
    ['an extension line', `${origin}\n8\n${root}\nextension\n`],
    ['an empty line', `${origin}\n8\n${root}\n\n`],
    ['no final newline', `${origin}\n8\n${root}`],
    ['two lines', `${origin}\n8\n`],
    ['nothing', ''],
    ['no origin', `\n8\n${root}\n`],
    ['an origin with a space', `twin example\n8\n${root}\n`],
    ['no size', `${origin}\n\n${root}\n`],
    ['a leading zero', `${origin}\n08\n${root}\n`],
    ['a plus sign', `${origin}\n+8\n${root}\n`],
    ['a minus sign', `${origin}\n-8\n${root}\n`],
    ['hexadecimal', `${origin}\n0x8\n${root}\n`],
    ['an exponent', `${origin}\n8e0\n${root}\n`],
    ['a space after the size', `${origin}\n8 \n${root}\n`],
    ['2^53', `${origin}\n${2 ** 53}\n${root}\n`],
    ['an enormous size', `${origin}\n${'9'.repeat(400)}\n${root}\n`],
    ['a root of 31 bytes', `${origin}\n8\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root of 33 bytes', `${origin}\n8\n${Buffer.alloc(33).toString('base64')}\n`],
    ['a root with stray bits', `${origin}\n8\n${root.replace('yg=', 'yh=')}\n`],
    ['a root in base64url', `${origin}\n8\n${root.replace('+', '-').replace('/', '_')}\n`],
    ['an empty tree with a root', `${origin}\n0\n${root}\n`],
  ])('refused: %s', (_, text) => {
    expect(() => textToCheckpoint(text)).toThrow(malformed);
  });

  test('what could not be read back is not written', () => {
    const good = { origin, size: 0, root: EMPTY_ROOT };
    expect(checkpointToText(good)).toContain(origin);
    for (const bad of [
      { origin: 'a\n9' },
      { size: 1.5 },
      { size: -1 },
      { root: new Uint8Array(31) },
      { size: 2 ** 53 },
    ]) {
      expect(() => checkpointToText({ ...good, ...bad })).toThrow(malformed);
    }
  });
});
