// What the log holds about an event: that it happened, of which type, in which minute, and a commitment to the rest.
//
//   commit = SHA-256(salt || body), salt = 32 random bytes, body = canonical JSON
//   leaf   = canonical JSON of {v: 1, type, at, commit}
//
// A log cannot forget, so no leaf may carry what a person can ask to have erased. Salt and body live in a vault outside
// of the log; with both destroyed, the commitment matches every body alike. Without the salt a body of few
// possibilities ("consent withdrawn") would be found by hashing them all.

import { bytesToBase64Url, bytesToUtf8, concatBytes, utf8ToBytes } from './bytes.ts';
import { canonicalBytes, canonicalJson } from './canon.ts';
import { AuditError, withCode } from './errors.ts';
import { sha256, type Sha256 } from './hash.ts';

export interface LeafEnvelope {
  v: 1;
  /** Lower-case words joined by dots, like `consent.withdrawn`; public, so it must not name a person. */
  type: string;
  /** UTC, `YYYY-MM-DDTHH:MM:00Z`. */
  at: string;
  /** `sha-256:` and 43 characters of base64url. */
  commit: string;
}

const SALT_LENGTH = 32;
const MINUTE = 60_000;

// Canonical JSON of an envelope has exactly one spelling, so that this is its whole grammar, but for the calendar. The
// last character of a commitment carries four bits, and the two unused ones are zero.
const LEAF =
  /^\{"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:00Z)","commit":"(sha-256:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])","type":"([a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*)","v":1\}$/;
const MAX_TYPE_LENGTH = 64;

/**
 * `at` is rounded down to the minute, because exact times link events to people. `salt` must be 32 fresh random bytes
 * for each leaf. Throws `leaf/malformed`, or `canon/not-json` if the body is not JSON.
 */
export function createLeaf({
  type,
  at,
  body,
  salt,
  hash = sha256,
}: {
  type: string;
  at: Date;
  body: unknown;
  salt: Uint8Array;
  hash?: Sha256;
}): {
  leaf: Uint8Array;
  commit: string;
} {
  if (salt.length !== SALT_LENGTH) throw malformed(`a salt has ${SALT_LENGTH} bytes`);
  if (Number.isNaN(at.getTime())) throw malformed('not a time');
  const minute = new Date(Math.floor(at.getTime() / MINUTE) * MINUTE);
  const commit = commitTo(body, salt, hash);
  const envelope = { v: 1, type, at: minute.toISOString().replace('.000Z', 'Z'), commit };
  const leaf = utf8ToBytes(canonicalJson(envelope));
  leafToEnvelope(leaf);
  return { leaf, commit };
}

/** Throws `leaf/malformed` unless the bytes are those that `createLeaf` writes. */
export function leafToEnvelope(leaf: Uint8Array): LeafEnvelope {
  const [, at, commit, type] = LEAF.exec(withCode('leaf/malformed', 'leaf', () => bytesToUtf8(leaf))) ?? [];
  if (at === undefined || commit === undefined || type === undefined) throw malformed('not a leaf envelope');
  if (type.length > MAX_TYPE_LENGTH) throw malformed('type is too long');
  if (!isMinute(at)) throw malformed(`${at} is not in the calendar`);
  return { v: 1, type, at, commit };
}

/** True only if the leaf commits to this body under this salt. Throws `leaf/malformed` and `canon/not-json`. */
export function verifyCommitment(
  leaf: Uint8Array,
  body: unknown,
  salt: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  const { commit } = leafToEnvelope(leaf);
  return salt.length === SALT_LENGTH && commit === commitTo(body, salt, hash);
}

function commitTo(body: unknown, salt: Uint8Array, hash: Sha256): string {
  return `sha-256:${bytesToBase64Url(hash(concatBytes(salt, canonicalBytes(body))))}`;
}

function isMinute(at: string): boolean {
  const time = Date.parse(at);
  return !Number.isNaN(time) && new Date(time).toISOString() === at.replace('Z', '.000Z');
}

function malformed(message: string): AuditError {
  return new AuditError('leaf/malformed', `leaf: ${message}`);
}
