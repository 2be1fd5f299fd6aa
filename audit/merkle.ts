// The Merkle tree of RFC 6962 section 2 (the same in RFC 9162), over SHA-256:
//
//   leaf = H(0x00 || data)    node = H(0x01 || left || right)    root of the empty tree = H("")
//
// A tree of n > 1 leaves splits at k, the largest power of two below n: its left half has k leaves and is complete, its
// right half has the rest.
//
// In the two verifiers the root (and the older root) comes from a signed checkpoint that the caller has verified, and
// the leaf hash from bytes that the caller holds. Index, sizes and proof come from whoever wants to be believed.
// They follow RFC 9162 sections 2.1.3.2 and 2.1.4.2 with two rules more: every hash has 32 bytes (a leaf hash of 20 and a
// sibling of 44 would hash like two of 32), and no older tree has size 0 (nothing would link it to the newer one).

import { bytesToHex, equalBytes } from './bytes.ts';
import { AuditError } from './errors.ts';
import { HASH_LENGTH, sha256, type Sha256 } from './hash.ts';

/** The siblings from the leaf's own up to the root's child. */
export interface InclusionProof {
  index: number;
  size: number;
  proof: Uint8Array[];
}

export interface ConsistencyProof {
  size1: number;
  size2: number;
  proof: Uint8Array[];
}

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

export function hashLeaf(data: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const bytes = new Uint8Array(1 + data.length);
  bytes[0] = LEAF_PREFIX;
  bytes.set(data, 1);
  return hash(bytes);
}

export function hashChildren(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const bytes = new Uint8Array(1 + left.length + right.length);
  bytes[0] = NODE_PREFIX;
  bytes.set(left, 1);
  bytes.set(right, 1 + left.length);
  return hash(bytes);
}

/** True only if the leaf stands at `index` in the tree of `size` leaves under `root`. Never throws. */
export function verifyInclusion(
  claim: InclusionProof & { leafHash: Uint8Array; root: Uint8Array },
  hash: Sha256 = sha256,
): boolean {
  return holds(() => equalBytes(rootFromInclusion(claim, hash), claim.root));
}

/** True only if the tree under `root2` begins with all the leaves of the tree under `root1`. Never throws. */
export function verifyConsistency(
  claim: ConsistencyProof & { root1: Uint8Array; root2: Uint8Array },
  hash: Sha256 = sha256,
): boolean {
  const { size1, size2, proof, root1, root2 } = claim;
  return holds(() => {
    requireSize(size1);
    requireSize(size2);
    if (size1 === 0 || size1 > size2) return false;
    if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
    return rootsAgree(size1, size2, proof, root1, root2, hash);
  });
}

/** The root that leaf and proof lead to; throws `merkle/invalid-proof` if the proof does not fit index and size. */
export function rootFromInclusion(
  { index, size, leafHash, proof }: InclusionProof & { leafHash: Uint8Array },
  hash: Sha256 = sha256,
): Uint8Array {
  requireSize(size);
  requireSize(index);
  if (index >= size) throw invalidProof(`index ${index} is outside a tree of ${size}`);
  requireHashes([leafHash, ...proof]);
  let fn = index;
  let sn = size - 1;
  let root = leafHash;
  for (const sibling of proof) {
    if (sn === 0) throw invalidProof('proof is too long');
    if (isOdd(fn) || fn === sn) {
      root = hashChildren(sibling, root, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      root = hashChildren(root, sibling, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) throw invalidProof('proof is too short');
  return root;
}

function rootsAgree(
  size1: number,
  size2: number,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
  hash: Sha256,
): boolean {
  requireHashes(proof);
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  let fn = size1 - 1;
  let sn = size2 - 1;
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let older = first;
  let newer = first;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      older = hashChildren(sibling, older, hash);
      newer = hashChildren(sibling, newer, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = hashChildren(newer, sibling, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(older, root1) && equalBytes(newer, root2);
}

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    if (error instanceof AuditError) return false;
    throw error;
  }
}

function requireHashes(hashes: readonly Uint8Array[]): void {
  for (const each of hashes) {
    if (each.length !== HASH_LENGTH)
      throw invalidProof(`${bytesToHex(each)} is not a hash of ${HASH_LENGTH} bytes`);
  }
}

function requireSize(value: number): void {
  if (!isCount(value)) throw invalidProof(`${value} is not a count of leaves`);
}

// Sizes reach 2^53 - 1, where JavaScript's bitwise operators would cut them to 32 bits and Math.log2 rounds up.
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  let power = 1;
  while (power < value) power *= 2;
  return power === value;
}

function invalidProof(message: string): AuditError {
  return new AuditError('merkle/invalid-proof', message);
}
