/**
 * Sealing of what is personal and must be erasable, so that destroying one short key erases everything under it.
 *
 * Every data subject has a key of 32 random bytes. What is kept about the subject is sealed under it with AES-256-GCM: a nonce of 12 random
 * bytes, the ciphertext, a tag of 16 bytes; the additional data are the subject and a context that says which row it is, so that no sealed value
 * can be put in another's place. The subject's key itself is sealed in the same way under a key that is derived (HKDF-SHA-256) from the vault key,
 * a file outside of the database. A derived key seals at most 2^32 times with random nonces (NIST SP 800-38D section 8.3): so many subjects,
 * and so many rows of one subject, are far away.
 *
 * Who has the database alone reads no body; who has the database and the vault key reads everything that was not erased. An erased subject's
 * key existed in its row only: backups that hold the row have to lapse. A subject who was erased is remembered by an HMAC under another derived
 * key, so that what a forgotten device sends again does not bring the subject back, and the table of marks names nobody.
 */
import { bytesToBase64Url, concatBytes, utf8ToBytes } from '@twinkeep/audit';
import type { Random } from '@twinkeep/protocol';
import { CoordinatorError } from '../errors.ts';
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What the vault key is used for, apart from one another. */
export interface VaultKeys {
  wrap: Uint8Array;
  mark: Uint8Array;
  /** Shows nothing of the key, and tells whether it is the same as before. */
  check: Uint8Array;
}

export function deriveVaultKeys(vaultKey: Uint8Array): VaultKeys {
  if (vaultKey.length !== KEY_BYTES) throw new RangeError(`vaultKey: expected ${KEY_BYTES} bytes`);
  const derive = (use: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', vaultKey, '', `twinkeep/1/vault-${use}`, KEY_BYTES));
  return { wrap: derive('wrap'), mark: derive('mark'), check: derive('check') };
}

/** Stands for an erased subject. */
export function markOf(subject: string, { mark }: VaultKeys): string {
  return bytesToBase64Url(new Uint8Array(createHmac('sha256', mark).update(subject).digest()));
}

export function seal(
  key: Uint8Array,
  subject: string,
  context: string,
  bytes: Uint8Array,
  random: Random,
): Uint8Array {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(binding(subject, context));
  const sealed = concatBytes(nonce, cipher.update(bytes), cipher.final());
  return concatBytes(sealed, cipher.getAuthTag());
}

/** @throws CoordinatorError 'store/seal-broken' where it was sealed under another key, for another subject or context, or was altered */
export function open(key: Uint8Array, subject: string, context: string, sealed: Uint8Array): Uint8Array {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(binding(subject, context))
      .setAuthTag(sealed.subarray(Math.max(NONCE_BYTES, sealed.length - TAG_BYTES)));
    return concatBytes(decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final());
  } catch (cause) {
    throw new CoordinatorError('store/seal-broken', 'what is stored was not sealed for this row', { cause });
  }
}

/** A pseudonym holds no line break, so that no two pairs are bound alike. */
function binding(subject: string, context: string): Uint8Array {
  return utf8ToBytes(`twinkeep/1/vault\n${subject}\n${context}`);
}
