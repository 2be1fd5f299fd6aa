// What a log asks of a witness (C2SP tlog-witness, add-checkpoint): the size that the witness should have seen last, the proof that the
// new tree begins with that one, and the new checkpoint:
//
//   "old " decimal "\n" (base64(hash) "\n")* "\n" checkpoint
//
// Nothing in it is authenticated but the checkpoint's text, by the log's signature in the note.

import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { decimalToCount } from './checkpoint.ts';
import { AuditError, withCode } from './errors.ts';
import { HASH_LENGTH } from './hash.ts';

export interface AddCheckpoint {
  /** Leaves in the tree that the witness cosigned last; 0 for none. */
  oldSize: number;
  /** From the tree of `oldSize` leaves to the checkpoint's; empty where one of them is empty or both are one. */
  proof: Uint8Array[];
  /** The note, not verified. */
  checkpoint: string;
}

const MAX_PROOF_LENGTH = 63;

export function addCheckpointToText({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(bytesToBase64)].join('\n')}\n\n${checkpoint}`;
}

/** Throws `add-checkpoint/malformed` unless `addCheckpointToText` of the result is the text again. */
export function textToAddCheckpoint(text: string): AddCheckpoint {
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('has no checkpoint');
  const [first = '', ...lines] = text.slice(0, end).split('\n');
  const decimal = /^old (.*)$/.exec(first)?.[1];
  if (decimal === undefined) throw malformed('does not begin with an old size');
  const oldSize = withCode('add-checkpoint/malformed', 'old size', () => decimalToCount(decimal));
  if (lines.length > MAX_PROOF_LENGTH) throw malformed('has a proof that is longer than any tree is high');
  const proof = lines.map((line) =>
    withCode('add-checkpoint/malformed', 'consistency proof', () => base64ToBytes(line)),
  );
  if (proof.some((hash) => hash.length !== HASH_LENGTH)) throw malformed('has a hash of the wrong length');
  return { oldSize, proof, checkpoint: text.slice(end + 2) };
}

function malformed(message: string): AuditError {
  return new AuditError('add-checkpoint/malformed', `add-checkpoint request ${message}`);
}
