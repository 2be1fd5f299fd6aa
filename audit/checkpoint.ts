// A checkpoint (C2SP tlog-checkpoint) is a log's tree head as the text of a signed note:
//
//   origin "\n" size in decimal "\n" base64(root hash) "\n"
//
// The specification allows more lines and advises against them; here they are refused, because nobody audits them. The
// log's key bears the origin as its name, so that whoever is given the key knows which log it may speak for.

import { base64ToBytes, bytesToBase64, equalBytes } from './bytes.ts';
import type { Ed25519Signer } from './ed25519.ts';
import { AuditError, withCode } from './errors.ts';
import { HASH_LENGTH } from './hash.ts';
import { EMPTY_ROOT, isCount } from './merkle.ts';
import { openNote, signNote, type OpenNoteOptions } from './note.ts';
import { isKeyName, vkeyToNoteKey, type NoteKey } from './vkey.ts';

export interface Checkpoint {
  origin: string;
  /** Number of leaves. */
  size: number;
  /** 32 bytes. */
  root: Uint8Array;
}

/** The note that a log publishes. A log must never sign two checkpoints of which one is not the other's beginning. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Ed25519Signer): Promise<string> {
  return signNote(checkpointToText(checkpoint), [{ name: checkpoint.origin, signer }]);
}

/** Throws the codes of `openNote` and `checkpointFromText`, and `checkpoint/wrong-origin` if the key is another log's. */
export function openCheckpoint(
  note: string,
  vkey: string | NoteKey,
  options: OpenNoteOptions = {},
): Checkpoint {
  const key = typeof vkey === 'string' ? vkeyToNoteKey(vkey) : vkey;
  const checkpoint = textToCheckpoint(openNote(note, [key], options).text);
  if (checkpoint.origin !== key.name) {
    throw new AuditError(
      'checkpoint/wrong-origin',
      `checkpoint of ${checkpoint.origin} under the key of ${key.name}`,
    );
  }
  return checkpoint;
}

export function checkpointToText({ origin, size, root }: Checkpoint): string {
  const text = `${origin}\n${size}\n${bytesToBase64(root)}\n`;
  textToCheckpoint(text);
  return text;
}

/** Throws `checkpoint/malformed`. The text must come out of a verified note: nothing in it is signed by itself. */
export function textToCheckpoint(text: string): Checkpoint {
  const [origin, size, root, ...rest] = text.split('\n');
  if (origin === undefined || size === undefined || root === undefined)
    throw malformed('has fewer than three lines');
  if (rest.length !== 1 || rest[0] !== '') throw malformed('has more than three lines');
  if (!isKeyName(origin)) throw malformed('has no usable origin');
  const checkpoint = { origin, size: decimalToCount(size), root: decodeRoot(root) };
  if (checkpoint.size === 0 && !equalBytes(checkpoint.root, EMPTY_ROOT))
    throw malformed('is of an empty tree with a root');
  return checkpoint;
}

/** A count as C2SP writes it: no sign, no leading zero, at most 2^53 - 1. Throws `checkpoint/malformed`. */
export function decimalToCount(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text) || !isCount(Number(text)))
    throw malformed('has a number it may not have');
  return Number(text);
}

function decodeRoot(text: string): Uint8Array {
  const root = withCode('checkpoint/malformed', 'checkpoint root', () => base64ToBytes(text));
  if (root.length !== HASH_LENGTH) throw malformed(`has a root that is not ${HASH_LENGTH} bytes`);
  return root;
}

function malformed(message: string): AuditError {
  return new AuditError('checkpoint/malformed', `checkpoint ${message}`);
}
