/**
 * The only import of libsodium. Everything that uses it awaits `sodiumReady` once, at start.
 * libsodium gives sealed boxes (X25519, XSalsa20-Poly1305), Ed25519 verification without WebCrypto, and XChaCha20-Poly1305.
 */
import sodium from 'libsodium-wrappers';
import { randomBytes } from './random.ts';

export const sodiumReady: Promise<void> = sodium.ready;

export interface BoxKeyPair {
  publicKey: Uint8Array;
  privateKey: Uint8Array;
}

export function createBoxKeyPair(): BoxKeyPair {
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  return { publicKey, privateKey };
}

/** Anonymous public-key encryption to `publicKey`; 48 bytes longer than the plaintext. */
export function seal(plaintext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return sodium.crypto_box_seal(plaintext, publicKey);
}

/** @returns the plaintext, or null where the box was not made for this key or was changed on its way. */
export function openSealed(box: Uint8Array, keys: BoxKeyPair): Uint8Array | null {
  try {
    return sodium.crypto_box_seal_open(box, keys.publicKey, keys.privateKey);
  } catch {
    return null;
  }
}

/** Ed25519 (RFC 8032) verification; false for malformed lengths too, since both inputs may come from an attacker. */
export function verifyDetached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    return sodium.crypto_sign_verify_detached(signature, message, publicKey);
  } catch {
    return false;
  }
}

/** XChaCha20-Poly1305; the 24-byte random nonce precedes the ciphertext. `context` is authenticated, not stored. */
export function encrypt(plaintext: Uint8Array, key: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomBytes(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, context, null, nonce, key);
  const out = new Uint8Array(nonce.length + body.length);
  out.set(nonce);
  out.set(body, nonce.length);
  return out;
}

/** @returns the plaintext, or null where key, context or bytes are not those it was made with. */
export function decrypt(box: Uint8Array, key: Uint8Array, context: Uint8Array): Uint8Array | null {
  const nonceLength = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  if (box.length < nonceLength) return null;
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      null,
      box.subarray(nonceLength),
      context,
      box.subarray(0, nonceLength),
      key,
    );
  } catch {
    return null;
  }
}
