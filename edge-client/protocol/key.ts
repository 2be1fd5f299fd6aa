/** Ed25519 signing keys as WebCrypto holds them: a device may keep one that cannot be exported. */
import { bytesToBase64Url } from '@twinkeep/audit';

export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
}

export interface SigningKey {
  /** Base64url of the raw 32-byte public key: how a key is named on every wire. */
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly privateKey: CryptoKey;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export async function createSigningKey(extractable: boolean = false): Promise<SigningKey> {
  const pair = await crypto.subtle.generateKey('Ed25519', extractable, ['sign', 'verify']);
  return signingKeyFrom(
    pair.privateKey,
    new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
  );
}

/** A key that was stored as a private JWK (RFC 8037). */
export async function importSigningKey(jwk: JsonWebKey): Promise<SigningKey> {
  const privateKey = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
  const publicJwk: JsonWebKey = { kty: 'OKP', crv: 'Ed25519', x: jwk.x as string };
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, 'Ed25519', true, ['verify']);
  return signingKeyFrom(privateKey, new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)));
}

/** The private JWK of an extractable key, for the operator's own key file. */
export async function exportSigningKey(key: SigningKey): Promise<JsonWebKey> {
  return crypto.subtle.exportKey('jwk', key.privateKey);
}

export function publicKeyToJwk(publicKey: Uint8Array): PublicJwk {
  return { kty: 'OKP', crv: 'Ed25519', x: bytesToBase64Url(publicKey) };
}

function signingKeyFrom(privateKey: CryptoKey, publicKey: Uint8Array): SigningKey {
  return {
    id: bytesToBase64Url(publicKey),
    publicKey,
    privateKey,
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, new Uint8Array(message))),
  };
}
