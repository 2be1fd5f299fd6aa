import { bytesToBase64Url, canonicalBytes, concatBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  createSigningKey,
  decodeSums,
  encodeSums,
  ProblemError,
  randomBytes,
  signStatement,
  sodiumReady,
  unpackWords,
  type ModulusBits,
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
  for (const set of [0, 2, 3]) sums.set(set, unpackWords(randomBytes(WORDS * 4), WORDS, 32));
  bytes = await encodeSums(sums, about, 32, key);
});

const expected = { kid: '', sets: [0, 2, 3], words: WORDS, bits: 32 as ModulusBits };
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
    for (const [set, words] of sums) expect(unpackWords(decoded.sums.get(set)!, WORDS, 32)).toEqual(words);
  });

  it.each([20, 24] as const)('of %d bits lose what is above them, and nothing else', async (bits) => {
    const short = await encodeSums(sums, about, bits, key);
    expect(short.length).toBe(bytes.length - 3 * (WORDS * 4 - Math.ceil((WORDS * bits) / 8)));
    const decoded = decodeSums(short, { ...expected, kid: key.id, bits });
    for (const [set, words] of sums) {
      const back = unpackWords(decoded.sums.get(set)!, WORDS, bits);
      expect(back).toEqual(words.map((word) => word & (2 ** bits - 1)));
    }
    expect(codeOf(short)).toBe('helper/sum');
    expect(codeOf(bytes, { bits })).toBe('helper/sum');
  });

  it('have no second spelling: padding is zero', async () => {
    const wanted = { sets: [0], words: 3, bits: 20 as const };
    for (const [last, verdict] of [
      [0x0f, 'accepted'],
      [0x1f, 'helper/sum'],
      [0x8f, 'helper/sum'],
    ] as const) {
      const vector = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, last);
      const hash = bytesToBase64Url(sha256(vector));
      const statement = await signStatement('helper-sums', { v: 1, ...about, sums: [{ set: 0, hash }] }, key);
      const fields = [utf8ToBytes('TWKS'), Uint8Array.of(1)];
      for (const field of [canonicalBytes(statement), vector])
        fields.push(new Uint8Array(Uint32Array.of(field.length).buffer), field);
      expect(codeOf(concatBytes(...fields), wanted)).toBe(verdict);
    }
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
