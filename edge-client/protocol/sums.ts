/**
 * A helper's upload: its signed HelperSums, then the sums of masks it vouches for. Wire form: `TWKS`, version byte, statement, sums;
 * each with a u32 little-endian length, a sum as words of b bits (`packing.ts`).
 */
import {
  bytesToBase64Url,
  bytesToUtf8,
  canonicalBytes,
  concatBytes,
  equalBytes,
  sha256,
  utf8ToBytes,
  type Sha256,
} from '@twinkeep/audit';
import { createFrameReader, lengthPrefixed } from './frame.ts';
import type { ModulusBits } from './grid.ts';
import type { SigningKey } from './key.ts';
import { isPacked, packedLength, packWords } from './packing.ts';
import { ProblemError, ProtocolError } from './problem.ts';
import { helperSumsSchema, type HelperSums } from './round.ts';
import { signStatement, type Statement } from './statement.ts';
import { verifyStatement } from './verify-statement.ts';

const MAGIC = Uint8Array.from([...utf8ToBytes('TWKS'), 1]);
const MAX_STATEMENT_BYTES = 16_384;

/** @param sums set index -> sum of masks, all of one length; what is above the lowest `bits` of a word is cut off */
export async function encodeSums(
  sums: ReadonlyMap<number, Uint32Array>,
  about: { rcHash: string; scHash: string; j: number },
  bits: ModulusBits,
  key: SigningKey,
): Promise<Uint8Array> {
  const vectors = [...sums].map(([set, words]) => ({ set, bytes: packWords(words, bits) }));
  const hashed = vectors.map(async ({ set, bytes }) => {
    const hash = await crypto.subtle.digest('SHA-256', bytes);
    return { set, hash: bytesToBase64Url(new Uint8Array(hash)) };
  });
  const body: HelperSums = { v: 1, ...about, sums: await Promise.all(hashed) };
  const statement = await signStatement('helper-sums', body, key);
  return concatBytes(MAGIC, lengthPrefixed(canonicalBytes(statement), ...vectors.map(({ bytes }) => bytes)));
}

/**
 * @param expected the sets that helper `j` must answer for, and the length of a sum in words of `bits` bits
 * @param hash a faster SHA-256 where the platform has one
 * @returns the sums as packed words
 * @throws ProblemError 'helper/sum' or 'helper/statement'
 */
export function decodeSums(
  bytes: Uint8Array,
  expected: { kid: string; sets: readonly number[]; words: number; bits: ModulusBits },
  hash: Sha256 = sha256,
): { statement: Statement<HelperSums>; sums: Map<number, Uint8Array> } {
  try {
    const reader = createFrameReader(bytes);
    if (!equalBytes(reader.take(MAGIC.length, 'the magic bytes'), MAGIC))
      throw new ProblemError('helper/sum', 'wrong magic bytes');
    const json: unknown = JSON.parse(bytesToUtf8(reader.takePrefixed(MAX_STATEMENT_BYTES, 'the statement')));
    const statement = verifyStatement(json, 'helper-sums', helperSumsSchema, expected.kid);
    const said = statement.body.sums;
    if (said.length !== expected.sets.length || said.some(({ set }, i) => set !== expected.sets[i])) {
      throw new ProblemError('helper/sum', 'it is not for the sets that this helper holds');
    }
    const sums = new Map<number, Uint8Array>();
    for (const { set, hash: stated } of said) {
      const vector = reader.takePrefixed(
        packedLength(expected.words, expected.bits),
        `the sum of set ${set}`,
      );
      if (!isPacked(vector, expected.words, expected.bits))
        throw new ProblemError('helper/sum', `the sum of set ${set} has another length, or padding`);
      if (bytesToBase64Url(hash(vector)) !== stated)
        throw new ProblemError('helper/sum', `the sum of set ${set} has another hash`);
      sums.set(set, vector);
    }
    reader.end();
    return { statement, sums };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof ProtocolError) {
      throw new ProblemError(
        error.code === 'protocol/statement' ? 'helper/statement' : 'helper/sum',
        error.message,
      );
    }
    throw new ProblemError('helper/sum', 'the statement is not JSON');
  }
}
