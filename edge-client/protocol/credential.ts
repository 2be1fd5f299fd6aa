/**
 * The credential: a JWT by the host app's back end that binds a pairwise pseudonym to a device key (RFC 7800 `cnf`).
 * It travels with every report; the coordinator and each helper verify it against the issuer keys they pinned, so that invented
 * participants need the issuer's key. It names no person: `sub` is a pseudonym made for this coordinator.
 */
import { base64UrlToBytes, bytesToBase64Url, canonicalBytes, sha256 } from '@twinkeep/audit';
import { errors, importJWK, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { publicKeyToJwk, type SigningKey } from './key.ts';
import { ProblemError } from './problem.ts';
import { subjectSchema } from './schema.ts';
import type { Trust } from './trust.ts';

export const CREDENTIAL_TYPE = 'twinkeep-credential+jwt';
export const MAX_CREDENTIAL_BYTES = 2_048;

const SCOPES = ['device', 'operator', 'officer'] as const;
export type CredentialScope = (typeof SCOPES)[number];

export interface Credential {
  sub: string;
  /** RFC 7638 thumbprint of the device key. */
  jkt: string;
  /** Most twins that one report of this device may sum: 1 for a person's device. */
  maxTwins: number;
  /** `operator` may publish tasks. `officer` speaks for the controller about data subjects: an officer's tool, or the host app's back end. */
  scope: CredentialScope;
  /** Seconds since 1970. */
  exp: number;
}

const claimsSchema = v.object({
  sub: subjectSchema,
  exp: v.number(),
  iat: v.number(),
  maxTwins: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000_000)),
  scope: v.picklist(SCOPES),
  cnf: v.strictObject({ jkt: v.pipe(v.string(), v.length(43)) }),
});

/** RFC 7638, of a raw Ed25519 key. A few dozen bytes, asked for with every request: not worth a turn of the event loop. */
export function thumbprint(publicKey: Uint8Array): string {
  const { crv, kty, x } = publicKeyToJwk(publicKey);
  return bytesToBase64Url(sha256(canonicalBytes({ crv, kty, x })));
}

/** The issuer's half. `lifetime` in seconds. */
export async function issueCredential(
  claims: { sub: string; devicePublicKey: Uint8Array; maxTwins: number; scope: Credential['scope'] },
  issuer: { id: string; key: SigningKey },
  audience: string,
  now: Date,
  lifetime: number,
): Promise<string> {
  const iat = Math.floor(now.getTime() / 1000);
  const cnf = { jkt: thumbprint(claims.devicePublicKey) };
  return new SignJWT({ maxTwins: claims.maxTwins, scope: claims.scope, cnf })
    .setProtectedHeader({ alg: 'Ed25519', typ: CREDENTIAL_TYPE, kid: issuer.key.id })
    .setIssuer(issuer.id)
    .setAudience(audience)
    .setSubject(claims.sub)
    .setIssuedAt(iat)
    .setExpirationTime(iat + lifetime)
    .sign(issuer.key.privateKey);
}

const issuerKeys = new WeakMap<Trust, Map<string, ReturnType<typeof importJWK>>>();

/** Imported once for each trust file: thousands of devices show credentials of one issuer. */
function issuerKey(trust: Trust, kid: string): ReturnType<typeof importJWK> {
  const known = issuerKeys.get(trust) ?? new Map<string, ReturnType<typeof importJWK>>();
  issuerKeys.set(trust, known);
  const key = known.get(kid) ?? importJWK({ ...publicKeyToJwk(base64UrlToBytes(kid)) }, 'Ed25519');
  known.set(kid, key);
  return key;
}

/** @throws ProblemError 'auth/credential' or 'auth/credential-expired' */
export async function verifyCredential(jwt: string, trust: Trust, now: Date): Promise<Credential> {
  if (jwt.length > MAX_CREDENTIAL_BYTES) throw new ProblemError('auth/credential', 'it is too long');
  try {
    const { payload } = await jwtVerify(
      jwt,
      async (header) => {
        const kid = trust.issuer.keys.find((key) => key === header.kid);
        if (kid === undefined) throw new ProblemError('auth/credential', 'its issuer key is not pinned');
        return issuerKey(trust, kid);
      },
      {
        issuer: trust.issuer.id,
        audience: trust.coordinator.id,
        typ: CREDENTIAL_TYPE,
        algorithms: ['Ed25519', 'EdDSA'],
        currentDate: now,
        requiredClaims: ['sub', 'exp', 'iat', 'cnf'],
      },
    );
    const { sub, exp, maxTwins, scope, cnf } = v.parse(claimsSchema, payload);
    return { sub, exp, maxTwins, scope, jkt: cnf.jkt };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof errors.JWTExpired) throw new ProblemError('auth/credential-expired');
    throw new ProblemError(
      'auth/credential',
      error instanceof errors.JOSEError ? error.code : 'its claims are not as documented',
    );
  }
}
