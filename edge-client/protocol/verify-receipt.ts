/**
 * Reading the receipt of a consent event: the log has what its signer said, at this place, and the signer holds what shows it. Without this a
 * coordinator could answer every withdrawal with a number.
 */
import {
  base64UrlToBytes,
  leafToEnvelope,
  sha256,
  TwinkeepError,
  utf8ToBytes,
  bytesToBase64Url,
  verifyCommitment,
  verifyEd25519,
  verifyProof,
  type Ed25519Verify,
  type NoteKey,
} from '@twinkeep/audit';
import type { ConsentReceipt } from './api.ts';
import { ProtocolError } from './problem.ts';

/**
 * Checks that the receipt is of this event, that the leaf commits to it, and that the leaf is in the log of `vkey` at the place named.
 * Whether that log is still the one seen before is shown by a consistency proof, as with any other checkpoint.
 * @param jws the event as it was sent; @param vkey the pinned key of the log; @param verify for a batch, `createRepeatedVerify`
 * @throws ProtocolError 'protocol/proof'
 */
export function verifyConsentReceipt(
  { event, index, leaf, salt, proof }: ConsentReceipt,
  jws: string,
  vkey: string | NoteKey,
  verify: Ed25519Verify = verifyEd25519,
): void {
  try {
    if (event !== `sha-256:${bytesToBase64Url(sha256(utf8ToBytes(jws)))}`)
      throw noReceipt('it is of another');
    const bytes = base64UrlToBytes(leaf);
    if (leafToEnvelope(bytes).type !== 'consent') throw noReceipt('the leaf is of another type');
    if (!verifyCommitment(bytes, jws, base64UrlToBytes(salt)))
      throw noReceipt('the leaf commits to something else');
    if (verifyProof(proof, bytes, vkey, { verify }).index !== index)
      throw noReceipt('the proof is of another place');
  } catch (error) {
    if (error instanceof TwinkeepError && !(error instanceof ProtocolError)) throw noReceipt(error.message);
    throw error;
  }
}

/** Receipts of one batch bear the same checkpoint, whose signature is then verified once. */
export function createRepeatedVerify(): Ed25519Verify {
  let last = '';
  return (signature, message, publicKey) => {
    const asked = [signature, message, publicKey].map((bytes) => bytesToBase64Url(bytes)).join('.');
    if (asked === last) return true;
    const isValid = verifyEd25519(signature, message, publicKey);
    if (isValid) last = asked;
    return isValid;
  };
}

function noReceipt(why: string): ProtocolError {
  return new ProtocolError('protocol/proof', `this is no receipt of the event: ${why}`);
}
