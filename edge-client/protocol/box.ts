/**
 * Seed boxes: one libsodium sealed box per helper with the seeds of the sets it is not in. Inside stand the round configuration,
 * the helper's number, the reporter's key and the hash of the vector, so that a box cannot be replayed under another
 * round, reporter or vector: a helper compares them with the header before it accepts. Section 2.5 step 2.
 */
import { concatBytes, equalBytes, utf8ToBytes } from '@twinkeep/audit';
import type { HelperSet } from './family.ts';
import { setsOfHelper } from './family.ts';
import { SEED_BYTES, seedCommitment } from './mask.ts';
import { ProtocolError } from './problem.ts';
import { openSealed, seal, type BoxKeyPair } from './sodium.ts';

const TAG = utf8ToBytes('flsa/box/v1');
const SEAL_OVERHEAD = 48;
const HEAD_BYTES = TAG.length + 32 + 1 + 32 + 32;

/** What a box is bound to. All hashes and keys have 32 bytes. */
export interface BoxContext {
  rcHash: Uint8Array;
  reporterKey: Uint8Array;
  vectorHash: Uint8Array;
}

/** Length of helper j's box in bytes: it follows from the family alone. */
export function boxLength(family: readonly HelperSet[], j: number): number {
  return HEAD_BYTES + setsOfHelper(family, j).length * SEED_BYTES + SEAL_OVERHEAD;
}

/** @param seeds one per set of the family; @param boxKey helper j's X25519 key of the epoch */
export function sealSeeds(
  context: BoxContext,
  family: readonly HelperSet[],
  seeds: readonly Uint8Array[],
  j: number,
  boxKey: Uint8Array,
): Uint8Array {
  const own = setsOfHelper(family, j).map((index) => seeds[index] as Uint8Array);
  return seal(concatBytes(contextToBytes(context, j), ...own), boxKey);
}

/**
 * Opens helper j's box and checks it against header and commitments.
 * @returns the seeds by set index
 * @throws ProtocolError 'protocol/box' where anything differs: the helper then answers with a NACK for that report
 */
export function openSeeds(
  box: Uint8Array,
  context: BoxContext,
  family: readonly HelperSet[],
  commitments: readonly Uint8Array[],
  j: number,
  keys: BoxKeyPair,
): Map<number, Uint8Array> {
  const plaintext = openSealed(box, keys);
  if (plaintext === null)
    throw new ProtocolError('protocol/box', 'the box does not open with the key of this epoch');
  const indices = setsOfHelper(family, j);
  if (plaintext.length !== HEAD_BYTES + indices.length * SEED_BYTES) {
    throw new ProtocolError('protocol/box', 'the box holds another number of seeds');
  }
  if (!equalBytes(plaintext.subarray(0, HEAD_BYTES), contextToBytes(context, j))) {
    throw new ProtocolError('protocol/box', 'the box was made for another round, helper, reporter or vector');
  }
  const seeds = new Map<number, Uint8Array>();
  indices.forEach((index, k) => {
    const seed = plaintext.slice(HEAD_BYTES + k * SEED_BYTES, HEAD_BYTES + (k + 1) * SEED_BYTES);
    const expected = seedCommitment(seed, context.rcHash, family[index] as HelperSet);
    if (!equalBytes(expected, commitments[index] ?? new Uint8Array())) {
      throw new ProtocolError('protocol/box', `the seed of set ${index} is not the one committed to`);
    }
    seeds.set(index, seed);
  });
  return seeds;
}

function contextToBytes({ rcHash, reporterKey, vectorHash }: BoxContext, j: number): Uint8Array {
  for (const field of [rcHash, reporterKey, vectorHash]) {
    if (field.length !== 32)
      throw new ProtocolError('protocol/box', 'hashes and keys of a box have 32 bytes');
  }
  return concatBytes(TAG, rcHash, Uint8Array.of(j), reporterKey, vectorHash);
}
