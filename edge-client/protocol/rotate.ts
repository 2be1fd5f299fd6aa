/**
 * Randomised Hadamard rotation, x -> (1/sqrt(d)) H D x with public random signs D: an orthonormal map that spreads a vector's
 * norm over all coordinates, so that a fixed-point grid wastes no head-room on a few large ones. It hides nothing: the signs
 * are public, and the inverse is applied to the opened sum. Source: secagg-dp research, section 3.6.
 */
import type { MaskPrg } from './prg.ts';
import { ProtocolError } from './problem.ts';

/** The smallest power of two that holds d coordinates; by doubling, since a logarithm may be rounded another way elsewhere. */
export function paddedLength(d: number): number {
  let length = 1;
  while (length < d) length *= 2;
  return length;
}

/** Signs (+1 or -1) of a rotation, from the round's public 32-byte seed. */
export async function rotationSigns(seed: Uint8Array, dPadded: number, prg: MaskPrg): Promise<Int8Array> {
  const bits = await prg(seed, Math.ceil(dPadded / 32));
  const signs = new Int8Array(dPadded);
  for (let i = 0; i < dPadded; i++) signs[i] = 1 - 2 * (((bits[i >>> 5] as number) >>> (i & 31)) & 1);
  return signs;
}

/** @param x at most dPadded values; @returns dPadded values of the same L2 norm */
export function rotate(x: Float64Array, signs: Int8Array): Float64Array {
  const out = new Float64Array(signs.length);
  if (x.length > out.length)
    throw new ProtocolError('protocol/layout', `${x.length} values do not fit ${out.length}`);
  for (let i = 0; i < x.length; i++) out[i] = (x[i] as number) * (signs[i] as number);
  walshHadamard(out);
  return out;
}

/** The inverse of `rotate`; the caller cuts the padding off. */
export function unrotate(y: Float64Array, signs: Int8Array): Float64Array {
  const out = y.slice();
  walshHadamard(out);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * (signs[i] as number);
  return out;
}

/**
 * Fast Walsh-Hadamard transform in place, orthonormal (its own inverse). Length a power of two. Two levels of butterflies in one
 * pass over memory: the same additions in the same order as one level at a time, so every engine gets the same bits.
 */
function walshHadamard(v: Float64Array): void {
  const n = v.length;
  let half = 1;
  for (; 2 * half < n; half *= 4) {
    for (let block = 0; block < n; block += 4 * half) {
      for (let i = block; i < block + half; i++) {
        const a = v[i] as number;
        const b = v[i + half] as number;
        const c = v[i + 2 * half] as number;
        const d = v[i + 3 * half] as number;
        v[i] = a + b + (c + d);
        v[i + half] = a - b + (c - d);
        v[i + 2 * half] = a + b - (c + d);
        v[i + 3 * half] = a - b - (c - d);
      }
    }
  }
  if (half < n) {
    for (let i = 0; i < half; i++) {
      const a = v[i] as number;
      const b = v[i + half] as number;
      v[i] = a + b;
      v[i + half] = a - b;
    }
  }
  const norm = 1 / Math.sqrt(n);
  for (let i = 0; i < n; i++) v[i] = (v[i] as number) * norm;
}
