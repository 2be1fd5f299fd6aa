/**
 * Reading other people's consent events: the key that each must be signed with, by what it says of itself. That a key may speak follows from a
 * credential of the issuer that the reader pinned, or, for the controller, from the pinned key; never because whoever hands the events
 * over says so. For whom a guardian or agent may speak stands in the subject's own chain: the fold asks there.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import { importConsentKey, type ConsentKey, type KeyHolder } from '@twinkeep/consent';
import * as v from 'valibot';
import { MAX_CREDENTIAL_BYTES, thumbprint, verifyCredential, type Credential } from './credential.ts';
import { publicKeyToJwk } from './key.ts';
import { ProblemError } from './problem.ts';
import { keyIdSchema } from './schema.ts';
import type { Trust } from './trust.ts';

/** A key that signed consent events, and the credential under which it spoke first. */
export interface StatedSpeaker {
  /** Base64url of the raw key. */
  key: string;
  /** JWT. */
  credential: string;
}

export const statedSpeakerSchema: v.GenericSchema<StatedSpeaker> = v.strictObject({
  key: keyIdSchema,
  credential: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CREDENTIAL_BYTES)),
});

export interface Speaker {
  /** Raw Ed25519 key. */
  publicKey: Uint8Array;
  credential: Credential;
}

/** @throws ProblemError 'auth/credential' where the pinned issuer did not vouch for this key */
export async function verifySpeaker({ key, credential: jwt }: StatedSpeaker, trust: Trust): Promise<Speaker> {
  const publicKey = base64UrlToBytes(key);
  const credential = await verifyCredentialAsIssued(jwt, trust);
  if (credential.jkt !== thumbprint(publicKey))
    throw new ProblemError('auth/credential', 'the credential names another key');
  return { publicKey, credential };
}

/** As of a moment within its validity: what it was used for later is dated by the log. @throws ProblemError 'auth/credential' */
export function verifyCredentialAsIssued(jwt: string, trust: Trust): Promise<Credential> {
  return verifyCredential(jwt, trust, new Date(issuedAt(jwt)));
}

/** The key that an event has to be signed with, by what it says of itself; undefined where that key may not say this. */
export type Keyring = (jws: string) => Promise<ConsentKey | undefined>;

/** @param speakers by thumbprint, as events name keys */
export function createKeyring(speakers: ReadonlyMap<string, Speaker>, trust: Trust): Keyring {
  const keys = new Map<string, Promise<ConsentKey>>();
  const parties = new Map<string, string>();
  const controllerKey = base64UrlToBytes(trust.coordinator.key);
  const controllerKid = thumbprint(controllerKey);
  return async (jws) => {
    const { kid, by, subject, controller, party } = readClaims(jws);
    const speaker = speakers.get(kid);
    const found = holderOf();
    if (found === null) return undefined;
    const { holder, publicKey } = found;
    const name = `${kid} ${JSON.stringify(holder)}`;
    const key = keys.get(name) ?? importConsentKey(publicKeyToJwk(publicKey), holder);
    keys.set(name, key);
    return key;

    function holderOf(): { holder: KeyHolder; publicKey: Uint8Array } | null {
      if (by === 'controller')
        return kid === controllerKid
          ? { holder: { role: 'controller', controller }, publicKey: controllerKey }
          : null;
      if (speaker === undefined || speaker.credential.scope !== 'device') return null;
      const { publicKey, credential } = speaker;
      if (by === 'subject')
        return credential.maxTwins === 1 && credential.sub === subject
          ? { holder: { role: 'subject', subject }, publicKey }
          : null;
      if (by === 'collector') {
        const bound = parties.get(kid) ?? party;
        parties.set(kid, bound);
        return credential.maxTwins > 1 ? { holder: { role: 'collector', party: bound }, publicKey } : null;
      }
      return by === 'guardian' || by === 'agent' ? { holder: { role: by }, publicKey } : null;
    }
  };
}

interface Claims {
  kid: string;
  by: string;
  subject: string;
  controller: string;
  party: string;
}

/** Not verified: only which key to verify with. */
function readClaims(jws: string): Claims {
  const part = (i: number): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[i] ?? '')));
      return (value ?? {}) as Record<string, unknown>;
    } catch {
      return {};
    }
  };
  const payload = part(1);
  const inner = (name: string): Record<string, unknown> => (payload[name] ?? {}) as Record<string, unknown>;
  return {
    kid: String(part(0)['kid']),
    by: String(inner('event')['by']),
    subject: String(payload['subject']),
    controller: String(payload['controller']),
    party: String(inner('collectedBy')['party']),
  };
}

/** Not believed: only the moment at which the rest is looked at. */
function issuedAt(jwt: string): number {
  try {
    const claims: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jwt.split('.')[1] ?? '')));
    const { iat } = claims as { iat?: unknown };
    return typeof iat === 'number' && Number.isSafeInteger(iat) && iat >= 0 && iat < 1e11 ? iat * 1_000 : 0;
  } catch {
    return 0;
  }
}
