// A receipt: proof that a leaf is in a log, as one text that verifies offline (C2SP tlog-proof).
//
//   "c2sp.org/tlog-proof@v1\n" ["extra " base64 "\n"] "index " decimal "\n" (base64(hash) "\n")* "\n" checkpoint
//
// The hashes run from the leaf's sibling up to the root's child. Nobody signs `extra`; Twinkeep writes none.

import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { decimalToCount, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { AuditError, withCode } from './errors.ts';
import { HASH_LENGTH, sha256, type Sha256 } from './hash.ts';
import { hashLeaf, verifyInclusion } from './merkle.ts';
import type { OpenNoteOptions } from './note.ts';
import type { TlogPolicy } from './policy.ts';
import { openWitnessed } from './quorum.ts';
import type { NoteKey } from './vkey.ts';

export interface TlogProof {
  index: number;
  proof: Uint8Array[];
  /** The log's signed checkpoint, not verified yet. */
  checkpoint: string;
  /** Unauthenticated: whoever passes the proof on may change it. */
  extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const MAX_PROOF_LENGTH = 63;

export function proofToText({ index, proof, checkpoint, extra }: TlogProof): string {
  const extraLine = extra === undefined ? [] : [`extra ${bytesToBase64(extra)}`];
  const lines = [HEADER, ...extraLine, `index ${index}`, ...proof.map(bytesToBase64)];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Throws `proof/malformed` unless `proofToText` of the result is the text again. */
export function textToProof(text: string): TlogProof {
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('has no checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEADER) throw malformed('does not begin as one');
  const extra = lines[0]?.startsWith('extra ')
    ? { extra: decode(lines.shift()!.slice('extra '.length)) }
    : {};
  const decimal = /^index (.*)$/.exec(lines.shift() ?? '')?.[1];
  if (decimal === undefined) throw malformed('has no index');
  const index = withCode('proof/malformed', 'tlog-proof index', () => decimalToCount(decimal));
  if (lines.length > MAX_PROOF_LENGTH) throw malformed('is longer than any tree is high');
  const proof = lines.map(decode);
  if (proof.some((each) => each.length !== HASH_LENGTH)) throw malformed('has a hash of the wrong length');
  return { index, proof, checkpoint: text.slice(end + 2), ...extra };
}

/**
 * Verifies that `leaf` is in the log of `vkey`, under a checkpoint that a quorum of `policy` cosigned if there is one, and returns where,
 * under which checkpoint, and who of the policy's witnesses saw it. Throws `proof/malformed`, `merkle/invalid-proof`, or a code of
 * `openCheckpoint` or `openWitnessed`.
 */
export function verifyProof(
  text: string,
  leaf: Uint8Array,
  vkey: string | NoteKey,
  { hash = sha256, policy, ...options }: OpenNoteOptions & { hash?: Sha256; policy?: TlogPolicy } = {},
): { index: number; checkpoint: Checkpoint; witnesses: string[] } {
  const { index, proof, checkpoint: note } = textToProof(text);
  const { checkpoint, witnesses } =
    policy === undefined
      ? { checkpoint: openCheckpoint(note, vkey, options), witnesses: [] }
      : openWitnessed(note, vkey, policy, options);
  const { size, root } = checkpoint;
  if (!verifyInclusion({ index, proof, size, root, leafHash: hashLeaf(leaf, hash) }, hash)) {
    throw new AuditError('merkle/invalid-proof', `the proof does not put this leaf at ${index} of ${size}`);
  }
  return { index, checkpoint, witnesses };
}

function decode(text: string): Uint8Array {
  return withCode('proof/malformed', 'tlog-proof', () => base64ToBytes(text));
}

function malformed(message: string): AuditError {
  return new AuditError('proof/malformed', `tlog-proof ${message}`);
}
