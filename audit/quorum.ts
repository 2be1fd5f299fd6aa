// Whether a checkpoint has been seen by enough witnesses. There is one way to say how many are enough, a `TlogPolicy`; the trust file's
// "so many of these", a `WitnessPolicy`, is a policy with one group.

import { equalBytes } from './bytes.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { Ed25519Verify } from './ed25519.ts';
import { AuditError } from './errors.ts';
import { readNote } from './note.ts';
import { NO_QUORUM, requirePolicy, type TlogPolicy } from './policy.ts';
import { noteKeyToVkey, vkeyToNoteKey, type NoteKey } from './vkey.ts';

/** Whose cosignatures a reader demands. Who runs a witness is for people to judge; what counts is its key. */
export interface WitnessPolicy {
  /** `name` is the key's; `vkey` is of signature type 4. */
  witnesses: { name: string; operator: string; vkey: string }[];
  /** So many of them, at least 1. */
  threshold: number;
}

interface VerifyOptions {
  verify?: Ed25519Verify;
}

/**
 * The checkpoint of a note that the log of this key signed and a quorum of the policy cosigned, with the names of the witnesses that did.
 * Throws `policy/malformed` too where the policy is for other logs only, and the codes of `openCheckpoint` and `verifyQuorum`.
 */
export function openWitnessed(
  note: string,
  vkey: string | NoteKey,
  policy: TlogPolicy,
  options: VerifyOptions = {},
): { checkpoint: Checkpoint; witnesses: string[] } {
  const key = typeof vkey === 'string' ? vkeyToNoteKey(vkey) : vkey;
  requirePolicyFor(policy, key);
  return { checkpoint: openCheckpoint(note, key, options), witnesses: verifyQuorum(note, policy, options) };
}

/** Throws `policy/malformed` where the policy is none, or names logs and not this one. One that names no log is for any. */
export function requirePolicyFor(policy: TlogPolicy, { name, publicKey }: NoteKey): void {
  requirePolicy(policy);
  const isNamed = policy.logs.some(({ key }) => key.name === name && equalBytes(key.publicKey, publicKey));
  if (policy.logs.length > 0 && !isNamed)
    throw new AuditError('policy/malformed', `policy: it is not for the log ${name}`);
}

/**
 * The policy's names of the witnesses that cosigned this note, whose log signature is the caller's to check. Throws `note/unwitnessed` if
 * they are no quorum, `note/unverified` if the line of one of them does not verify, `note/malformed`, and `policy/malformed`.
 */
export function verifyQuorum(note: string, policy: TlogPolicy, options: VerifyOptions = {}): string[] {
  requirePolicy(policy);
  const { witnesses } = policy;
  const { signatures } = readNote(
    note,
    witnesses.map(({ key }) => key),
    options,
  );
  const names = signatures.map((signed) => witnesses.find(({ key }) => key === signed.key)!.name);
  if (isQuorum(names, policy)) return names;
  const seen = names.length === 0 ? 'nobody' : names.join(', ');
  throw new AuditError('note/unwitnessed', `note: cosigned by ${seen}, which is not enough`);
}

/** `verifyQuorum` for a trust file's witnesses. Throws `vkey/malformed` too, where one is no key at all. */
export function verifyWitnessed(note: string, policy: WitnessPolicy, options: VerifyOptions = {}): string[] {
  return verifyQuorum(note, witnessPolicyToTlogPolicy(policy), options);
}

/**
 * The same demand as a policy, for a log if its verifier key is given. Throws `vkey/malformed`, and `policy/malformed` where a witness is
 * none, or is named twice, or more are demanded than named.
 */
export function witnessPolicyToTlogPolicy(
  { witnesses, threshold }: WitnessPolicy,
  logVkey?: string,
): TlogPolicy {
  const members = witnesses.map(({ name }) => name);
  let group = 'quorum';
  while (members.includes(group)) group += '-';
  const policy: TlogPolicy = {
    logs: logVkey === undefined ? [] : [{ key: vkeyToNoteKey(logVkey) }],
    witnesses: witnesses.map(({ name, vkey }) => ({ name, key: vkeyToNoteKey(vkey) })),
    groups: [{ name: group, threshold, members }],
    quorum: group,
  };
  requirePolicy(policy);
  return policy;
}

/**
 * Back to the form of a trust file; null where that has no words for the quorum: for none, and for groups of groups. Who operates a
 * witness is not in a policy, so that each stands for itself.
 */
export function tlogPolicyToWitnessPolicy(policy: TlogPolicy): WitnessPolicy | null {
  requirePolicy(policy);
  const { witnesses, groups, quorum } = policy;
  const group = groups.find(({ name }) => name === quorum) ?? { threshold: 1, members: [quorum] };
  const named = group.members.map((member) => witnesses.find(({ name }) => name === member));
  if (named.some((witness) => witness === undefined)) return null;
  return {
    witnesses: named.map((witness) => {
      const { name } = witness!.key;
      return { name, operator: name, vkey: noteKeyToVkey(witness!.key) };
    }),
    threshold: group.threshold,
  };
}

function isQuorum(cosigned: readonly string[], { groups, quorum }: TlogPolicy): boolean {
  const witnessed = new Set(cosigned);
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => witnessed.has(member)).length >= threshold) witnessed.add(name);
  }
  return quorum === NO_QUORUM || witnessed.has(quorum);
}
