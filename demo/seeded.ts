/** Draws that a seed decides, the same on every platform. For who is where and who does what; never for keys or masks. */
import { createHash } from 'node:crypto';

/** Uniform in [0, 1): the first 53 bits of SHA-256 over seed and label. */
export function drawUniform(seed: string, label: string): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, label]))
    .digest();
  return Number(digest.readBigUInt64BE() >> 11n) / 2 ** 53;
}

/** A permutation of `0..n-1`. */
export function drawOrder(n: number, seed: string, label: string): number[] {
  const keys = Array.from({ length: n }, (_, i) => drawUniform(seed, `${label}/${i}`));
  return [...keys.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
}
