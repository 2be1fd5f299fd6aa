// What a log promises to keep, and from which entry on it does (C2SP tlog-tiles, "Pruning" and "Retention Policies"). A log may stop
// serving its oldest entries and the tiles over them alone; its tree, its name and every proof of an entry that is kept stay as they were.
//
// The policy is itself an entry of the log, of type `log-policy`, among those that are kept: whoever sees the log sees, signed, what may be
// missing and why. A later one replaces an earlier one. A log that has none is not pruned.

import * as v from 'valibot';

import { base64UrlToBytes, bytesToBase64Url, bytesToUtf8, utf8ToBytes } from './bytes.ts';
import { canonicalJson, parseCanonicalJson } from './canon.ts';
import { AuditError, withCode } from './errors.ts';
import type { Sha256 } from './hash.ts';
import { leafToEnvelope, verifyCommitment } from './leaf.ts';

/** Type of the leaf. */
export const LOG_POLICY_TYPE = 'log-policy';

/** Where a tiled log serves its latest policy, as `PublishedLogPolicy`; nothing is there if it has none. */
export const LOG_POLICY_PATH = 'log-policy.json';

export interface LogPolicy {
  v: 1;
  /** Entries below may be missing. */
  minimumIndex: number;
  /** By record class, the leaf's `type`: for how many days after its minute an entry stays; null: for ever. */
  retention: Record<string, number | null>;
  /** For classes that are not named. */
  otherwise: number | null;
}

/** The policy with what it takes to find it in the log. */
export interface PublishedLogPolicy {
  /** Index of the entry. */
  leaf: number;
  salt: Uint8Array;
  /** What the leaf commits to. That it is in the log is all the signature it needs. */
  body: LogPolicy;
}

const MAX_CLASSES = 64;
const MILLIS_PER_DAY = 86_400_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const days = v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(36_525)));

const Policy: v.GenericSchema<unknown, LogPolicy> = v.strictObject({
  v: v.literal(1),
  minimumIndex: count,
  retention: v.pipe(
    v.record(v.pipe(v.string(), v.maxLength(64)), days),
    v.check((classes) => Object.keys(classes).length <= MAX_CLASSES, `more than ${MAX_CLASSES} classes`),
  ),
  otherwise: days,
});

const Published = v.strictObject({ leaf: count, salt: v.string(), body: Policy });

/** Throws `log-policy/malformed`. */
export function parseLogPolicy(input: unknown): LogPolicy {
  return parse(Policy, input);
}

export function publishedToBytes({ leaf, salt, body }: PublishedLogPolicy): Uint8Array {
  return utf8ToBytes(canonicalJson({ leaf, salt: bytesToBase64Url(salt), body }));
}

/** Throws `log-policy/malformed` unless the bytes are those that `publishedToBytes` writes. */
export function bytesToPublished(bytes: Uint8Array): PublishedLogPolicy {
  return withCode('log-policy/malformed', 'log policy', () => {
    const { leaf, salt, body } = parse(Published, parseCanonicalJson(bytesToUtf8(bytes)));
    return { leaf, salt: base64UrlToBytes(salt), body };
  });
}

/** True only if this entry is a log's policy and commits to what was published as such. */
export function isLogPolicyEntry(
  entry: Uint8Array,
  { body, salt }: PublishedLogPolicy,
  hash: Sha256,
): boolean {
  return withCode('log-policy/malformed', 'log policy', () => {
    return leafToEnvelope(entry).type === LOG_POLICY_TYPE && verifyCommitment(entry, body, salt, hash);
  });
}

/**
 * The largest minimum index that a policy allows at a time: the first of these entries that must be kept still. The entries are the log's
 * leaves from `start` on, `start` being the minimum index until now. Throws `leaf/malformed`.
 */
export function prunableTo(
  policy: LogPolicy,
  entries: Iterable<Uint8Array>,
  start: number,
  now: Date,
): number {
  let index = start;
  for (const entry of entries) {
    const { type, at } = leafToEnvelope(entry);
    const kept = Object.hasOwn(policy.retention, type) ? policy.retention[type]! : policy.otherwise;
    if (kept === null || Date.parse(at) + kept * MILLIS_PER_DAY > now.getTime()) break;
    index++;
  }
  return index;
}

function parse<T>(schema: v.GenericSchema<unknown, T>, input: unknown): T {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  throw new AuditError('log-policy/malformed', `log policy: ${result.issues[0].message}`);
}
