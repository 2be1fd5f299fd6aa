import { ed25519 } from '@noble/curves/ed25519.js';

/** Holds a private key, or a handle to one that never leaves its store. `publicKey` is 32 bytes, a signature 64. */
export interface Ed25519Signer {
  publicKey: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export type Ed25519Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** A signer over a 32-byte seed (RFC 8032 section 5.1.5) held in memory. */
export function createSigner(seed: Uint8Array): Ed25519Signer {
  const secret = seed.slice();
  return {
    publicKey: ed25519.getPublicKey(secret),
    sign: (message) => Promise.resolve(ed25519.sign(message, secret)),
  };
}

/**
 * RFC 8032 verification with its strict decoding (no ZIP-215 leniency), so that one signature has one spelling.
 * Malformed keys and signatures are false, never an exception: both may come from a stranger.
 */
export const verifyEd25519: Ed25519Verify = (
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean => {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
};
