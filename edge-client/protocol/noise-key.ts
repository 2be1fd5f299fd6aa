/**
 * The key of the noise that a set's holders add to its sum of masks. It is made of the mask seeds of all members, so that
 * the holders agree bit for bit and share no secret beyond those seeds.
 *
 * Whoever knows the noise can take it off: the coordinator has that interest, and no help from outside the set of holders gives it the
 * key. A party that is no holder of A misses the seed of every reporter that keeps to the protocol, 32 random bytes; the hash of all seeds
 * is then as good as random to it (SHA-256 and HKDF read as a random oracle, or one seed as the key of a PRF over the rest). With
 * no honest reporter in the sum there is nothing left to protect. A set of one round and of one commit has a key of its own, since
 * the same noise on two sums would fall out of their difference.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 as sha256Hash } from '@noble/hashes/sha2.js';
import { concatBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import { helperSetToBytes, type HelperSet } from './family.ts';
import { lengthPrefixed } from './frame.ts';
import { SEED_BYTES } from './mask.ts';
import { ProtocolError } from './problem.ts';
import { MASK_SALT } from './version.ts';

/**
 * HKDF-SHA-256(ikm = SHA-256(s_1 ‖ s_2 ‖ ...), salt, info = "noise" ‖ scHash ‖ A), 32 bytes.
 * @param seeds the members' seeds of the set, in the order of `ascendingHashes`
 * @throws ProtocolError 'protocol/box' where one has not 32 bytes
 */
export function noiseKey(seeds: readonly Uint8Array[], scHash: Uint8Array, set: HelperSet): Uint8Array {
  if (seeds.length === 0 || seeds.some((seed) => seed.length !== SEED_BYTES))
    throw new ProtocolError('protocol/box', 'a mask seed has 32 bytes');
  const info = lengthPrefixed(utf8ToBytes('noise'), scHash, helperSetToBytes(set));
  return hkdf(sha256Hash, sha256(concatBytes(...seeds)), utf8ToBytes(MASK_SALT), info, 32);
}
