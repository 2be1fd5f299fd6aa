/** The sum of masked vectors. Single vectors are uniformly random to us and are looked at one batch at a time. */
import { addPacked, type ModulusBits } from '@twinkeep/protocol';

/**
 * @param batches vectors of `words` packed words each; memory holds one batch and the sum
 * @returns the sum, of which the lowest `bits` of each word count, and the number of vectors in it
 * @throws ProtocolError where a vector has another length
 */
export async function sumVectors(
  batches: AsyncIterable<readonly Uint8Array[]>,
  words: number,
  bits: ModulusBits,
): Promise<{ sum: Uint32Array; count: number }> {
  const sum = new Uint32Array(words);
  let count = 0;
  for await (const batch of batches) {
    for (const vector of batch) addPacked(sum, vector, bits);
    count += batch.length;
  }
  return { sum, count };
}
