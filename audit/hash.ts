import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of the whole input, 32 bytes. Hot functions take one as their last parameter, so a host may pass a native one. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

export const sha256: Sha256 = (data: Uint8Array): Uint8Array => nobleSha256(data);

export const HASH_LENGTH = 32;
