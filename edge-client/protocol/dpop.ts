/**
 * Proof of possession for each request, DPoP (RFC 9449): a one-use JWT by the device key over method, address, time, the credential's
 * hash and the server's nonce. A stolen credential is useless without the device key, a recorded request without a fresh nonce.
 */
import { base64UrlToBytes, bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import { errors, EmbeddedJWK, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { thumbprint } from './credential.ts';
import { publicKeyToJwk, type SigningKey } from './key.ts';
import { ProblemError } from './problem.ts';
import { randomBytes } from './random.ts';
import { keyIdSchema } from './schema.ts';

/** How far a proof's `iat` may lie from the server's clock, in seconds. Nonces do the rest. */
export const PROOF_WINDOW_SECONDS = 300;
const MAX_PROOF_BYTES = 2_048;

export interface ProofRequest {
  method: string;
  /** Without query and fragment (RFC 9449 section 4.2). */
  url: string;
  credential?: string;
  nonce?: string;
}

export interface VerifiedProof {
  jkt: string;
  /** Key id (base64url of the raw key). */
  kid: string;
  jti: string;
  nonce: string | null;
  /** Seconds since 1970. */
  iat: number;
}

const payloadSchema = v.object({
  jti: v.pipe(v.string(), v.minLength(16), v.maxLength(64)),
  iat: v.pipe(v.number(), v.integer()),
  htm: v.string(),
  htu: v.string(),
  ath: v.optional(v.string()),
  nonce: v.optional(v.pipe(v.string(), v.maxLength(128))),
});

export async function createProof(key: SigningKey, request: ProofRequest, now: Date): Promise<string> {
  const claims: Record<string, string> = {
    jti: bytesToBase64Url(randomBytes(16)),
    htm: request.method,
    htu: withoutQuery(request.url),
  };
  if (request.credential !== undefined) claims['ath'] = credentialHash(request.credential);
  if (request.nonce !== undefined) claims['nonce'] = request.nonce;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'Ed25519', typ: 'dpop+jwt', jwk: { ...publicKeyToJwk(key.publicKey) } })
    .setIssuedAt(Math.floor(now.getTime() / 1000))
    .sign(key.privateKey);
}

/**
 * Checks a proof against the request it came with. The caller still has to check nonce and `jti`, which need state.
 * @throws ProblemError 'auth/proof'
 */
export async function verifyProof(proof: string, request: ProofRequest, now: Date): Promise<VerifiedProof> {
  if (proof.length > MAX_PROOF_BYTES) throw new ProblemError('auth/proof', 'it is too long');
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['Ed25519', 'EdDSA'],
      currentDate: now,
    });
    const claims = v.parse(payloadSchema, payload);
    const kid = v.parse(keyIdSchema, protectedHeader.jwk?.x);
    if (Math.abs(claims.iat - now.getTime() / 1000) > PROOF_WINDOW_SECONDS)
      throw new ProblemError('auth/proof', 'its time is off');
    if (claims.htm !== request.method) throw new ProblemError('auth/proof', 'it is for another method');
    if (claims.htu !== withoutQuery(request.url))
      throw new ProblemError('auth/proof', 'it is for another address');
    const expected = request.credential === undefined ? undefined : credentialHash(request.credential);
    if (claims.ath !== expected) throw new ProblemError('auth/proof', 'it is for another credential');
    const jkt = thumbprint(base64UrlToBytes(kid));
    return { jkt, kid, jti: claims.jti, nonce: claims.nonce ?? null, iat: claims.iat };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError(
      'auth/proof',
      error instanceof errors.JOSEError ? error.code : 'its claims are not as documented',
    );
  }
}

function credentialHash(credential: string): string {
  return bytesToBase64Url(sha256(utf8ToBytes(credential)));
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '');
}
