/**
 * The members of a report: whose twins are summed in it, each with 16 bytes of salt that the reporting device drew. A record is
 * pseudonym || salt, 32 bytes; records ascend strictly by pseudonym, as bytes, so that one set of twins has one order and two neighbours
 * show that nobody stands between them. The header names the RFC 6962 root over the records.
 *
 * The root stays in the signed header for ever. Without its salt a leaf says of no pseudonym whether it is meant, so that a person who is
 * erased leaves a hash that nobody can open, and the header still verifies.
 */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  concatBytes,
  createCompactRange,
  hashLeaf,
  sha256,
  type Sha256,
} from '@twinkeep/audit';
import { ProblemError } from './problem.ts';
import type { Random } from './random.ts';

const SUBJECT_BYTES = 16;
const SALT_BYTES = 16;
export const MEMBER_BYTES: number = SUBJECT_BYTES + SALT_BYTES;

/** One record a twin, ascending, with fresh salts. */
export function drawMembers(subjects: readonly string[], random: Random): Uint8Array {
  const salts = random(subjects.length * SALT_BYTES);
  const records = subjects.map((subject, i) =>
    concatBytes(base64UrlToBytes(subject), salts.slice(i * SALT_BYTES, (i + 1) * SALT_BYTES)),
  );
  return concatBytes(...records.sort(compareSubjects));
}

/** @throws ProblemError 'report/members' where the bytes are no whole number of records, or these do not ascend strictly */
export function bytesToMembers(bytes: Uint8Array): { subjects: string[]; salts: Uint8Array[] } {
  if (bytes.length % MEMBER_BYTES !== 0)
    throw new ProblemError('report/members', 'their length is not a whole number');
  const records = recordsOf(bytes);
  if (records.some((record, i) => i > 0 && compareSubjects(records[i - 1] as Uint8Array, record) >= 0))
    throw new ProblemError('report/members', 'they are not ascending and distinct');
  return {
    subjects: records.map((record) => bytesToBase64Url(record.subarray(0, SUBJECT_BYTES))),
    salts: records.map((record) => record.slice(SUBJECT_BYTES)),
  };
}

/** @param bytes whole records. @returns base64url */
export function membersRoot(bytes: Uint8Array, hash: Sha256 = sha256): string {
  return leavesRoot(
    recordsOf(bytes).map((record) => hashLeaf(record, hash)),
    hash,
  );
}

/** The leaf of one member: what stays of it after an erasure. */
export function memberLeaf(subject: string, salt: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  return hashLeaf(concatBytes(base64UrlToBytes(subject), salt), hash);
}

/** The root over leaves of members in their order. @returns base64url */
export function leavesRoot(leaves: readonly Uint8Array[], hash: Sha256 = sha256): string {
  const edge = createCompactRange(0, [], hash);
  for (const leaf of leaves) edge.append(leaf);
  return bytesToBase64Url(edge.root());
}

function recordsOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / MEMBER_BYTES }, (_, i) =>
    bytes.subarray(i * MEMBER_BYTES, (i + 1) * MEMBER_BYTES),
  );
}

/** Of two records, or two pseudonyms. */
function compareSubjects(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < SUBJECT_BYTES; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
