// A cosignature (C2SP tlog-cosignature v1, Ed25519, signature type 0x04) is a witness's statement that, at a time, the tree of this
// checkpoint was the largest that it had seen of the log, and consistent with every smaller one:
//
//   key id    = SHA-256(name || "\n" || 0x04 || public key)[:4]
//   message   = "cosignature/v1\n" || "time " seconds "\n" || the checkpoint's text
//   signature = seconds as 8 bytes big-endian || Ed25519(message)
//
// The message does not name the witness: one key under two names would be two witnesses for the price of one, so it counts once.
// Lines go from witness to log to reader through hands that nobody trusts: whoever relies on one verifies it.

import { concatBytes } from './bytes.ts';
import { textToCheckpoint } from './checkpoint.ts';
import { verifyEd25519, type Ed25519Signer, type Ed25519Verify } from './ed25519.ts';
import { AuditError } from './errors.ts';
import { cosignatureMessage, readNote, signatureToLine } from './note.ts';
import { createNoteKey, type NoteKey } from './vkey.ts';

/**
 * The witness's signature line over a checkpoint's text. Throws `checkpoint/malformed`.
 * @param time whole seconds since 1970
 */
export async function cosign(
  text: string,
  { name, signer }: { name: string; signer: Ed25519Signer },
  time: number,
): Promise<string> {
  textToCheckpoint(text);
  const key = createNoteKey(name, signer.publicKey, 'cosignature');
  const seconds = new Uint8Array(8);
  new DataView(seconds.buffer).setBigUint64(0, BigInt(time));
  return signatureToLine(key, concatBytes(seconds, await signer.sign(cosignatureMessage(time, text))));
}

/**
 * A witness's answer to a checkpoint, less everything that is not its cosignature of that checkpoint. Throws `note/malformed`, and
 * `note/unverified` where the witness did not cosign or its line does not verify.
 */
export function readCosignature(
  note: string,
  answer: string,
  witness: NoteKey,
  verify: Ed25519Verify = verifyEd25519,
): string {
  requireWitness(witness);
  const { text } = readNote(note, []);
  const line = answer
    .split(/(?<=\n)/)
    .find((each) => readNote(`${text}\n${each}`, [witness], { verify }).signatures.length > 0);
  if (line === undefined) throw new AuditError('note/unverified', `note: not cosigned by ${witness.name}`);
  return line;
}

/** The note with lines of `readCosignature` after its own. They must be over this note's text. */
export function mergeCosignatures(note: string, lines: readonly string[]): string {
  return `${note}${lines.filter((line) => !note.includes(line)).join('')}`;
}

function requireWitness({ name, algorithm }: NoteKey): void {
  if (algorithm !== 'cosignature')
    throw new AuditError('vkey/malformed', `verifier key: ${name} is not a witness's`);
}
