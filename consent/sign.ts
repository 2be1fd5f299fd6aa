import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import type { CryptoKey } from 'jose';

import { ConsentError } from './errors.ts';
import type { ConsentEvent } from './event.ts';
import type { JwsKey, JwsSigner } from './jws.ts';
import { importJwsKey, signJws, verifyJws } from './jws.ts';
import { parseConsentEvent } from './schema.ts';

// A key speaks for one holder, and the event says for whom it was signed: `verifyConsentEvent` holds the two together, so
// that a region node's key can sign as collector and never as the subject. That a device key signed shows that the same
// device acted as before; it does not show which human held it.

export const CONSENT_JWS_TYPE = 'twin-consent+jws' as const;

/** More than the largest event a regime lets through needs, less than what makes parsing a weapon. */
export const MAX_CONSENT_JWS_CHARS = 32_768;

export type KeyHolder =
  | { role: 'subject'; subject: string }
  /** Which subjects this party may speak for is the verifier's to know: it enrolled them. */
  | { role: 'collector'; party: string }
  | { role: 'controller'; controller: string }
  /** For whom, since when and for what stands in the subject's own chain: `admitConsent` asks there. */
  | { role: 'guardian' | 'agent' };

export interface ConsentKey extends JwsKey {
  readonly holder: KeyHolder;
}

export interface SignedConsent {
  /** `sha-256:<base64url>` of `jws`. */
  id: string;
  kid: string;
  jws: string;
  event: ConsentEvent;
}

/**
 * `privateKey` may be non-extractable; `publicJwk` is its other half, from which the kid is computed. Throws
 * `consent/key-refused` where the two are not a pair, since nothing they sign would ever verify.
 */
export async function createConsentSigner(privateKey: CryptoKey, publicJwk: unknown): Promise<JwsSigner> {
  const { kid, publicKey } = await importJwsKey(publicJwk);
  if (privateKey.type !== 'private' || privateKey.algorithm.name !== 'Ed25519') {
    throw new ConsentError('consent/key-refused', 'not an Ed25519 private key');
  }
  const probe = new TextEncoder().encode(kid);
  const signature = await crypto.subtle.sign('Ed25519', privateKey, probe);
  if (!(await crypto.subtle.verify('Ed25519', publicKey, signature, probe))) {
    throw new ConsentError('consent/key-refused', 'the private and the public key are not a pair');
  }
  return { kid, privateKey };
}

/** Binds a public key to whom it speaks for. Import once per key and keep it: verification is then one signature check. */
export async function importConsentKey(jwk: unknown, holder: KeyHolder): Promise<ConsentKey> {
  return { ...(await importJwsKey(jwk)), holder };
}

/**
 * Throws what `parseConsentEvent` throws, `consent/signer-not-entitled` where `collectedBy` names another key, and
 * `consent/jws-too-large`.
 */
export async function signConsentEvent(event: ConsentEvent, signer: JwsSigner): Promise<SignedConsent> {
  const checked = parseConsentEvent(event);
  requireCollector(checked, signer.kid);
  const jws = await signJws(checked, CONSENT_JWS_TYPE, signer);
  if (jws.length > MAX_CONSENT_JWS_CHARS) {
    throw new ConsentError('consent/jws-too-large', 'split the grants over several events');
  }
  return { id: consentEventId(jws), kid: signer.kid, jws, event: checked };
}

/**
 * Checks form, signature, canonical payload, schema, regime and that the key's holder is the one the event says it is.
 * What only the log knows (clock, links, notice in force) is `admitConsent` and the coordinator's.
 */
export async function verifyConsentEvent(
  jws: string,
  keyOf: (kid: string) => ConsentKey | undefined | Promise<ConsentKey | undefined>,
): Promise<SignedConsent> {
  const rules = { typ: CONSENT_JWS_TYPE, maxChars: MAX_CONSENT_JWS_CHARS, keyOf };
  const { payload, key } = await verifyJws(jws, rules);
  const event = parseConsentEvent(payload);
  requireHolder(event, key.holder);
  requireCollector(event, key.kid);
  return { id: consentEventId(jws), kid: key.kid, jws, event };
}

export function consentEventId(jws: string): string {
  return `sha-256:${bytesToBase64Url(sha256(utf8ToBytes(jws)))}`;
}

function requireHolder(event: ConsentEvent, holder: KeyHolder): void {
  const speaksFor =
    holder.role === 'subject'
      ? holder.subject === event.subject
      : holder.role === 'collector'
        ? holder.party === event.collectedBy?.party
        : holder.role !== 'controller' || holder.controller === event.controller;
  if (event.event.by !== holder.role || !speaksFor) {
    throw new ConsentError(
      'consent/signer-not-entitled',
      `the key does not speak for this ${event.event.by}`,
    );
  }
}

function requireCollector(event: ConsentEvent, kid: string): void {
  if (event.collectedBy !== undefined && event.collectedBy.kid !== kid) {
    throw new ConsentError(
      'consent/signer-not-entitled',
      'collectedBy names another key than the one that signs',
    );
  }
}
