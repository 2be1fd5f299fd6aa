// A signed note (C2SP signed-note) is a text, an empty line, and one signature line for each key:
//
//   "— " name " " base64(key id || signature) "\n"
//
// The text is UTF-8, ends with a newline and has no other control character; the last empty line ends it. Ed25519 keys
// sign the text itself. A witness (C2SP tlog-cosignature) signs "cosignature/v1\ntime <seconds>\n" and then the text,
// and puts the time, 8 bytes big-endian, before its 64 bytes of signature.
//
// The whole note may come from a stranger: nothing in it is believed until a key that the caller named has verified.

import {
  base64ToBytes,
  bytesToBase64,
  bytesToHex,
  concatBytes,
  hasLoneSurrogate,
  hexToBytes,
  utf8ToBytes,
} from './bytes.ts';
import { verifyEd25519, type Ed25519Signer, type Ed25519Verify } from './ed25519.ts';
import { AuditError, withCode } from './errors.ts';
import { createNoteKey, type NoteKey } from './vkey.ts';

export interface NoteSignature {
  key: NoteKey;
  /** Seconds since 1970, from a witness only: when it says it saw the note. */
  time?: number;
}

export interface OpenNoteOptions {
  /**
   * What becomes of lines by other keys, and of a second line by the same key: C2SP ignores them. A verifier of files
   * that must not change by one byte refuses them, since anyone can add one.
   */
  unknownSignatures?: 'ignore' | 'refuse';
  verify?: Ed25519Verify;
}

interface SignatureLine {
  name: string;
  id: string;
  signature: Uint8Array;
}

const MAX_NOTE_LENGTH = 128 * 1024;
const MAX_SIGNATURES = 100;

export async function signNote(
  text: string,
  signers: readonly { name: string; signer: Ed25519Signer }[],
): Promise<string> {
  if (!isNoteText(text))
    throw malformed('the text must end with a newline and have no other control character');
  const lines = signers.map(async ({ name, signer }) => {
    const key = createNoteKey(name, signer.publicKey);
    const signature = await signer.sign(utf8ToBytes(text));
    return signatureToLine(key, signature);
  });
  return `${text}\n${(await Promise.all(lines)).join('')}`;
}

/**
 * The text and the signatures that verified, at least one. Throws `note/malformed`; `note/unverified` if none of `keys`
 * signed, or if a line bears the name and id of one and does not verify; `note/unknown-signature` if so asked.
 */
export function openNote(
  note: string,
  keys: readonly NoteKey[],
  options: OpenNoteOptions = {},
): { text: string; signatures: NoteSignature[] } {
  const opened = readNote(note, keys, options);
  if (opened.signatures.length === 0)
    throw new AuditError('note/unverified', 'note: no signature by a known key');
  return opened;
}

/** As `openNote`, where it is no error that none of `keys` signed: with no keys at all, the text that nobody vouches for. */
export function readNote(
  note: string,
  keys: readonly NoteKey[],
  { unknownSignatures = 'ignore', verify = verifyEd25519 }: OpenNoteOptions = {},
): { text: string; signatures: NoteSignature[] } {
  const { text, lines } = splitNote(note);
  const signatures: NoteSignature[] = [];
  for (const { name, id, signature } of lines) {
    const key = keys.find((each) => each.name === name && each.id === id);
    const repeated = signatures.some((each) => each.key === key);
    if (key === undefined || repeated) {
      if (unknownSignatures === 'ignore') continue;
      const why = repeated ? 'a second time' : 'which is not a key that was given';
      throw new AuditError('note/unknown-signature', `note: signed by ${name}+${id}, ${why}`);
    }
    signatures.push(verifySignature(text, key, signature, verify));
  }
  return { text, signatures };
}

export function signatureToLine({ name, id }: NoteKey, signature: Uint8Array): string {
  return `— ${name} ${bytesToBase64(concatBytes(hexToBytes(id), signature))}\n`;
}

/** What a witness signs: that it saw this text at this time, in whole seconds since 1970. */
export function cosignatureMessage(time: number, text: string): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${time}\n${text}`);
}

function splitNote(note: string): { text: string; lines: SignatureLine[] } {
  if (note.length > MAX_NOTE_LENGTH) throw malformed('too long');
  if (!isNoteText(note)) throw malformed('no newline at the end, or a control character');
  const end = note.lastIndexOf('\n\n');
  const block = note.slice(end + 2, -1);
  if (end < 0 || block === '') throw malformed('no signature lines');
  const lines = block.split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed('too many signatures');
  return { text: note.slice(0, end + 1), lines: lines.map(toSignatureLine) };
}

function toSignatureLine(line: string): SignatureLine {
  const [, name, encoded] = /^— ([^\p{White_Space}+]+) ([^\p{White_Space}]+)$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined)
    throw malformed('a line after the text is not a signature');
  const payload = withCode('note/malformed', 'note signature', () => base64ToBytes(encoded));
  if (payload.length < 5) throw malformed('a signature is too short');
  return { name, id: bytesToHex(payload.subarray(0, 4)), signature: payload.subarray(4) };
}

function verifySignature(
  text: string,
  key: NoteKey,
  signature: Uint8Array,
  verify: Ed25519Verify,
): NoteSignature {
  if (key.algorithm === 'ed25519') {
    if (verify(signature, utf8ToBytes(text), key.publicKey)) return { key };
  } else if (signature.length === 72) {
    const time = Number(BigInt(`0x${bytesToHex(signature.subarray(0, 8))}`));
    const message = cosignatureMessage(time, text);
    if (Number.isSafeInteger(time) && verify(signature.subarray(8), message, key.publicKey))
      return { key, time };
  }
  throw new AuditError('note/unverified', `note: the signature by ${key.name}+${key.id} does not verify`);
}

function isNoteText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return text.endsWith('\n') && !/[\u0000-\u0009\u000b-\u001f]/.test(text) && !hasLoneSurrogate(text);
}

function malformed(message: string): AuditError {
  return new AuditError('note/malformed', `note: ${message}`);
}
