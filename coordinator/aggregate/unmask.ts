/**
 * Opening a sum: minus the sums of masks, modulo 2^b, read as signed grid steps.
 *
 * Whether it opened is seen from the sum itself: a wrong mask makes every coordinate uniform, and then the largest of them stays within
 * `bound` with probability (2 bound / 2^b)^d. The bound also catches a reporter that left its own share of the head-room.
 */
import { signedWords, subtractWords, unpackWords, type ModulusBits } from '@twinkeep/protocol';

/**
 * @param masked the sum of masked vectors; not changed
 * @param masks sums of masks of all sets of the family, packed
 * @param modulus its `bits`, and `bound`: the largest magnitude, in grid steps, that the twins in the sum can reach together with the
 *   noise of all helper sets, which is less than 2^(b-1) by the head-room rule
 * @returns null where a coordinate is out of bounds
 */
export function openSum(
  masked: Uint32Array,
  masks: readonly Uint8Array[],
  { bits, bound }: { bits: ModulusBits; bound: number },
): Int32Array<ArrayBuffer> | null {
  const words = masked.slice();
  for (const mask of masks) subtractWords(words, unpackWords(mask, words.length, bits));
  const steps = signedWords(words, bits);
  return steps.every((step) => step >= -bound && step <= bound) ? steps : null;
}
