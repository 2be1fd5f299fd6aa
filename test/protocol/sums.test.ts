import { bytesToBase64Url } from '@twinkeep/audit';
import {
  bytesToWords,
  createSigningKey,
  decodeSums,
  encodeSums,
  ProblemError,
  randomBytes,
  sodiumReady,
  wordsToBytes,
  type SigningKey,
} from '@twinkeep/protocol';
import { beforeAll, describe, expect, it } from 'vitest';

const WORDS = 50;
let key: SigningKey;
let bytes: Uint8Array;
const sums = new Map<number, Uint32Array>();
const about = { rcHash: '', scHash: '', j: 2 };

beforeAll(async () => {
  await sodiumReady;
  key = await createSigningKey();
  about.rcHash = bytesToBase64Url(randomBytes(32));
  about.scHash = bytesToBase64Url(randomBytes(32));
  for (const set of [0, 2, 3]) sums.set(set, bytesToWords(randomBytes(WORDS * 4)));
  bytes = await encodeSums(sums, about, key);
});

const expected = { kid: '', sets: [0, 2, 3], words: WORDS };
function codeOf(input: Uint8Array, wanted: Partial<typeof expected> = {}): string {
  try {
    decodeSums(input, { ...expected, kid: key.id, ...wanted });
    return 'accepted';
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
}

describe('a helper’s sums', () => {
  it('decode to what went in', () => {
    const decoded = decodeSums(bytes, { ...expected, kid: key.id });
    expect(decoded.statement.body).toMatchObject(about);
    for (const [set, words] of sums) expect(bytesToWords(decoded.sums.get(set)!)).toEqual(words);
    expect(wordsToBytes(bytesToWords(decoded.sums.get(0)!))).toEqual(decoded.sums.get(0));
  });

  it('are refused with a code wherever one byte is changed, cut, or added', () => {
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << (at % 8);
      expect(codeOf(changed)).toMatch(/^helper\/(sum|statement)$/);
      expect(codeOf(bytes.subarray(0, at))).toMatch(/^helper\/(sum|statement)$/);
    }
    expect(codeOf(Buffer.concat([bytes, Buffer.of(0)]))).toBe('helper/sum');
  });

  it('are refused for other sets, another length, or another helper', async () => {
    expect(codeOf(bytes, { sets: [0, 2] })).toBe('helper/sum');
    expect(codeOf(bytes, { sets: [0, 3, 2] })).toBe('helper/sum');
    expect(codeOf(bytes, { words: WORDS + 1 })).toBe('helper/sum');
    expect(codeOf(bytes, { words: WORDS - 1 })).toBe('helper/sum');
    expect(codeOf(bytes, { kid: (await createSigningKey()).id })).toBe('helper/statement');
  });
});
