/**
 * Opening a sum: minus the sums of masks, modulo 2^32, read as signed grid steps.
 *
 * Whether it opened is seen from the sum itself: a wrong mask makes every coordinate uniform, and then the largest of them stays within
 * `bound` with probability (2 bound / 2^32)^d. The bound also catches a reporter that left its own share of the head-room.
 */
import { bytesToWords, subtractWords } from '@twinkeep/protocol';

/**
 * @param masked the sum of masked vectors; not changed
 * @param masks sums of masks of all sets of the family, little-endian words
 * @param bound largest magnitude that the twins in the sum can reach, in grid steps
 * @returns null where a coordinate is out of bounds
 */
export function openSum(masked: Uint32Array, masks: readonly Uint8Array[], bound: number): Int32Array | null {
  const words = masked.slice();
  for (const mask of masks) subtractWords(words, bytesToWords(mask));
  const steps = new Int32Array(words.buffer);
  return steps.every((step) => step >= -bound && step <= bound) ? steps : null;
}
