/** The sum of masked vectors, modulo 2^32. Single vectors are uniformly random to us and are looked at one batch at a time. */
import { addWords, bytesToWords } from '@twinkeep/protocol';

/**
 * @param batches little-endian words, `length` in each vector
 * @returns the sum and the number of vectors in it
 * @throws ProtocolError where a vector has another length
 */
export async function sumVectors(
  batches: AsyncIterable<readonly Uint8Array[]>,
  length: number,
): Promise<{ sum: Uint32Array; count: number }> {
  const sum = new Uint32Array(length);
  let count = 0;
  for await (const batch of batches) {
    for (const vector of batch) addWords(sum, bytesToWords(vector));
    count += batch.length;
  }
  return { sum, count };
}
