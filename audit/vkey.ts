// A verifier key travels as one line, "name+id+key" (C2SP signed-note, as Go's sumdb/note writes it):
//
//   id  = first 4 bytes of SHA-256(name || "\n" || type || public key), 8 lower-case hex digits
//   key = base64(type || public key), which may itself hold a "+"
//
// The name is whatever the owner calls the key; a log's key bears the log's origin.

import {
  base64ToBytes,
  bytesToBase64,
  bytesToHex,
  concatBytes,
  hasLoneSurrogate,
  utf8ToBytes,
} from './bytes.ts';
import { AuditError, withCode } from './errors.ts';
import { sha256 } from './hash.ts';

/** `ed25519` signs the note's text; `cosignature` is a witness's Ed25519 signature over a time and the text. */
export type NoteAlgorithm = 'ed25519' | 'cosignature';

export interface NoteKey {
  name: string;
  /** 8 lower-case hex digits. */
  id: string;
  algorithm: NoteAlgorithm;
  /** 32 bytes. */
  publicKey: Uint8Array;
}

const TYPES: Record<NoteAlgorithm, number> = { ed25519: 0x01, cosignature: 0x04 };

export function createNoteKey(
  name: string,
  publicKey: Uint8Array,
  algorithm: NoteAlgorithm = 'ed25519',
): NoteKey {
  if (!isKeyName(name))
    throw malformed('the name is empty or has a space, a plus sign or a control character');
  if (publicKey.length !== 32) throw malformed('an Ed25519 public key has 32 bytes');
  const typed = concatBytes(Uint8Array.of(TYPES[algorithm]), publicKey);
  const id = bytesToHex(sha256(concatBytes(utf8ToBytes(`${name}\n`), typed)).subarray(0, 4));
  return { name, id, algorithm, publicKey };
}

export function noteKeyToVkey({ name, id, algorithm, publicKey }: NoteKey): string {
  return `${name}+${id}+${bytesToBase64(concatBytes(Uint8Array.of(TYPES[algorithm]), publicKey))}`;
}

/** Throws `vkey/malformed` unless the text is exactly what `noteKeyToVkey` writes. */
export function vkeyToNoteKey(vkey: string): NoteKey {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(vkey) ?? [];
  if (name === undefined || encoded === undefined) throw malformed('not of the form name+id+key');
  const typed = withCode('vkey/malformed', 'verifier key', () => base64ToBytes(encoded));
  const algorithm = (Object.keys(TYPES) as NoteAlgorithm[]).find((each) => TYPES[each] === typed[0]);
  if (algorithm === undefined) throw malformed('unknown signature type');
  const key = createNoteKey(name, typed.slice(1), algorithm);
  if (key.id !== id) throw malformed('the id is not that of the name and key');
  return key;
}

/** Non-empty, without Unicode spaces, plus signs and control characters, so that it survives in a signature line. */
export function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]+$/u.test(name) && !hasLoneSurrogate(name);
}

function malformed(message: string): AuditError {
  return new AuditError('vkey/malformed', `verifier key: ${message}`);
}
