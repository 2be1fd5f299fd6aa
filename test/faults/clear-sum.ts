import { bytesToBase64Url, sha256 } from '@twinkeep/audit';

/** The hash that a result must carry if it opened exactly these vectors' sum: SHA-256 over little-endian words, modulo 2^32. */
export function clearSumHash(vectors: readonly Int32Array[]): string {
  const sum = new Int32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) vector.forEach((value, i) => (sum[i] = (sum[i] as number) + value));
  return bytesToBase64Url(sha256(new Uint8Array(sum.buffer)));
}
