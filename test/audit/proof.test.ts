import { describe, expect, test } from 'vitest';

import {
  bytesToBase64,
  hexToBytes,
  proofToText,
  textToProof,
  utf8ToBytes,
  verifyProof,
} from '@twinkeep/audit';

import { notes, rfc } from './vectors.ts';

const { own } = notes;
const receipt = own.tlogProofLeaf5Size8;
const leaf = hexToBytes(rfc.leaves[5]!.inputHex);

test('the receipt of the vectors is read and written alike', () => {
  const proof = textToProof(receipt);
  expect(proof).toMatchObject({ index: 5, checkpoint: own.note });
  expect(proof.proof).toHaveLength(3);
  expect(proofToText(proof)).toBe(receipt);
});

test('it proves its leaf and no other', () => {
  expect(verifyProof(receipt, leaf, own.logVkey)).toMatchObject({ index: 5, checkpoint: { size: 8 } });
  const other = hexToBytes(rfc.leaves[4]!.inputHex);
  expect(() => verifyProof(receipt, other, own.logVkey)).toThrow(
    expect.objectContaining({ code: 'merkle/invalid-proof' }),
  );
  const moved = receipt.replace('index 5', 'index 4');
  expect(() => verifyProof(moved, leaf, own.logVkey)).toThrow(
    expect.objectContaining({ code: 'merkle/invalid-proof' }),
  );
  expect(() => verifyProof(receipt, leaf, own.witnessVkey)).toThrow(
    expect.objectContaining({ code: 'checkpoint/wrong-origin' }),
  );
});

test('extra data is carried, and believed by nobody', () => {
  const extra = utf8ToBytes('context');
  const carried = proofToText({ ...textToProof(receipt), extra });
  expect(carried.split('\n')[1]).toBe(`extra ${bytesToBase64(extra)}`);
  expect(textToProof(carried).extra).toEqual(extra);
  expect(verifyProof(carried, leaf, own.logVkey).index).toBe(5);
});

describe('malformed receipts', () => {
  const hash = receipt.split('\n')[2]!;
  test.each([
    ['another format', receipt.replace('@v1', '@v2')],
    ['no index', receipt.replace('index 5\n', '')],
    ['an index with a leading zero', receipt.replace('index 5', 'index 05')],
    ['a negative index', receipt.replace('index 5', 'index -1')],
    ['an index beyond 2^53', receipt.replace('index 5', `index ${2 ** 53}`)],
    ['two spaces before the index', receipt.replace('index 5', 'index  5')],
    ['extra after the index', receipt.replace('index 5', 'index 5\nextra AAAA')],
    ['two extras', receipt.replace('index 5', 'extra AAAA\nextra AAAA\nindex 5')],
    ['extra that is not base64', receipt.replace('index 5', 'extra A\nindex 5')],
    ['a hash of 31 bytes', receipt.replace(hash, bytesToBase64(new Uint8Array(31)))],
    ['a hash with stray bits', receipt.replace('Znms=', 'Znmt=')],
    ['no checkpoint', receipt.slice(0, receipt.indexOf('\n\n') + 1)],
    ['64 hashes', receipt.replace(hash, Array(62).fill(hash).join('\n'))],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(text).not.toBe(receipt);
    expect(() => textToProof(text)).toThrow(expect.objectContaining({ code: 'proof/malformed' }));
  });
});
