/**
 * What the suites of `audit`, `consent` and `protocol` take from `node:crypto`, as the independent side of a comparison, for their
 * runs in a browser. Neither side of such a comparison may be the other: SHA-256, HKDF and AES come from noble, Ed25519 from libsodium.
 * That both platforms agree on every byte is the claim of `identity.test.ts`.
 */
import { ctr } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64UrlToBytes } from '@twinkeep/audit';
import { sodiumReady, verifyDetached } from '@twinkeep/protocol';

await sodiumReady;

interface Hash {
  update(data: Uint8Array | string): Hash;
  digest(): Buffer;
  digest(encoding: BufferEncoding): string;
}

export function createHash(algorithm: 'sha256'): Hash {
  only(algorithm, 'sha256');
  const state = sha256.create();
  function digest(): Buffer;
  function digest(encoding: BufferEncoding): string;
  function digest(encoding?: BufferEncoding): Buffer | string {
    const bytes = Buffer.from(state.digest());
    return encoding === undefined ? bytes : bytes.toString(encoding);
  }
  const hash: Hash = {
    update(data) {
      state.update(typeof data === 'string' ? new TextEncoder().encode(data) : Uint8Array.from(data));
      return hash;
    },
    digest,
  };
  return hash;
}

/** AES-256-CTR as a stream: each call goes on where the one before ended. */
export function createCipheriv(
  algorithm: 'aes-256-ctr',
  key: Uint8Array,
  counter: Uint8Array,
): { update(plain: Uint8Array): Buffer } {
  only(algorithm, 'aes-256-ctr');
  let at = 0;
  return {
    update(plain) {
      const within = at % 16;
      const padded = new Uint8Array(within + plain.length);
      padded.set(plain, within);
      const stream = ctr(Uint8Array.from(key), counterAfter(counter, Math.floor(at / 16)));
      at += plain.length;
      return Buffer.from(stream.encrypt(padded).subarray(within));
    },
  };
}

function counterAfter(counter: Uint8Array, blocks: number): Uint8Array {
  const next = Uint8Array.from(counter);
  const last = new DataView(next.buffer, 8);
  last.setBigUint64(0, last.getBigUint64(0) + BigInt(blocks));
  return next;
}

export function hkdfSync(
  digest: 'sha256',
  key: Uint8Array,
  salt: Uint8Array | string,
  info: Uint8Array,
  length: number,
): ArrayBuffer {
  only(digest, 'sha256');
  const bytes = typeof salt === 'string' ? new TextEncoder().encode(salt) : salt;
  return Uint8Array.from(hkdf(sha256, key, bytes, info, length)).buffer;
}

export function createPublicKey({ key }: { key: { x: string } }): Uint8Array {
  return base64UrlToBytes(key.x);
}

export function verify(_: null, message: Uint8Array, key: Uint8Array, signature: Uint8Array): boolean {
  return verifyDetached(signature, message, key);
}

function only(given: string, supported: string): void {
  if (given !== supported) throw new Error(`the browser's runs of the suites have no ${given}`);
}
