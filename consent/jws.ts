import {
  base64UrlToBytes,
  bytesToBase64Url,
  bytesToUtf8,
  canonicalBytes,
  equalBytes,
  sha256,
  utf8ToBytes,
} from '@twinkeep/audit';
import type { CryptoKey } from 'jose';
import { CompactSign } from 'jose';
import * as v from 'valibot';

import { ConsentError } from './errors.ts';
import { KeyIdSchema } from './schema.ts';

// A signed statement is a compact JWS (RFC 7515): base64url(header) . base64url(payload) . base64url(signature).
//
//   header    exactly {"alg":"Ed25519","typ":<what kind of statement>,"kid":<RFC 7638 thumbprint>}; `EdDSA`, the older name
//             (RFC 8037), is accepted and never emitted. Nothing else may stand there: a key or a URL in a header
//             (`jwk`, `jku`, `x5u`) lets the sender choose who verifies it, `crit` changes what the bytes mean.
//   payload   canonical JSON (RFC 8785); it is serialised again and compared, so that one statement has one spelling and
//             a parser that keeps the first of two duplicate keys reads the same statement as one that keeps the last.
//   signature Ed25519 (RFC 8032) over the first two parts; deterministic, so equal statements are equal bytes.
//
// The sender controls every byte here. The key is found by `kid` in the verifier's own records, and only there.

/** A public key as its holder sends it (RFC 8037). */
export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
}

/** `kid` is always computed from the key itself. */
export interface JwsKey {
  readonly kid: string;
  readonly publicKey: CryptoKey;
}

export interface JwsSigner {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

export interface JwsRules<Key extends JwsKey> {
  typ: string;
  maxChars: number;
  /** The verifier's record of a key, or undefined where it has none. */
  keyOf: (kid: string) => Key | undefined | Promise<Key | undefined>;
}

const ALGORITHM = 'Ed25519';
const ACCEPTED_ALGORITHMS = [ALGORITHM, 'EdDSA'];
const HEADER_FIELDS = 'alg,kid,typ';
const SIGNATURE_LENGTH = 64;

const PublicJwkSchema = v.object({
  kty: v.literal('OKP'),
  crv: v.literal('Ed25519'),
  x: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/)),
  d: v.optional(v.never()),
});

/** Signs any JSON value. Throws what `canonicalBytes` throws where the value is not plain JSON. */
export async function signJws(payload: unknown, typ: string, signer: JwsSigner): Promise<string> {
  return new CompactSign(canonicalBytes(payload))
    .setProtectedHeader({ alg: ALGORITHM, typ, kid: signer.kid })
    .sign(signer.privateKey);
}

/** Throws a `ConsentError` unless every byte is as `signJws` (or the same rules elsewhere) would have written it. */
export async function verifyJws<Key extends JwsKey>(
  jws: string,
  { typ, maxChars, keyOf }: JwsRules<Key>,
): Promise<{ payload: unknown; key: Key }> {
  if (jws.length > maxChars)
    throw new ConsentError('consent/jws-too-large', `a JWS has at most ${maxChars} characters`);
  const { header, payload, signature } = splitJws(jws);
  const kid = readHeader(header, typ);
  const key = await keyOf(kid);
  if (key === undefined || key.kid !== kid)
    throw new ConsentError('consent/key-unknown', 'no key is recorded under this kid');
  await verifySignature(jws, signature, key.publicKey);
  return { payload: readPayload(payload), key };
}

/** Takes the three public members only. Throws `consent/key-refused`, also where private key material came along. */
export async function importJwsKey(jwk: unknown): Promise<JwsKey> {
  const parsed = v.safeParse(PublicJwkSchema, jwk);
  if (!parsed.success) throw new ConsentError('consent/key-refused', 'not the JWK of an Ed25519 public key');
  const { kty, crv, x } = parsed.output;
  try {
    const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x }, ALGORITHM, true, ['verify']);
    return { kid: thumbprint(x), publicKey };
  } catch (cause) {
    throw new ConsentError('consent/key-refused', 'the key could not be imported', { cause });
  }
}

/** RFC 7638. */
function thumbprint(x: string): string {
  return bytesToBase64Url(sha256(canonicalBytes({ crv: 'Ed25519', kty: 'OKP', x })));
}

function splitJws(jws: string): { header: Uint8Array; payload: Uint8Array; signature: Uint8Array } {
  const [header, payload, signature, ...rest] = jws.split('.', 4).map(decodePart);
  if (
    header === undefined ||
    payload === undefined ||
    signature?.length !== SIGNATURE_LENGTH ||
    rest.length > 0
  ) {
    throw malformed('a compact JWS is a header, a payload and a signature of 64 bytes');
  }
  return { header, payload, signature };
}

function decodePart(part: string): Uint8Array {
  try {
    return base64UrlToBytes(part);
  } catch (cause) {
    throw malformed('a part is not base64url', cause);
  }
}

/** Returns the kid. Writing the parsed header again shows duplicate keys and stray white space. */
function readHeader(bytes: Uint8Array, typ: string): string {
  const header = parseJson(bytes, 'consent/jws-malformed', 'the header is not JSON');
  if (typeof header !== 'object' || header === null) throw malformed('the header is not an object');
  const fields = new Map<string, unknown>(Object.entries(header));
  const kid = fields.get('kid');
  if (!ACCEPTED_ALGORITHMS.some((accepted) => accepted === fields.get('alg'))) {
    throw new ConsentError('consent/jws-algorithm-refused', 'only Ed25519 is accepted');
  }
  if (fields.get('typ') !== typ) throw new ConsentError('consent/jws-type-refused', `the typ is not ${typ}`);
  const names = [...fields.keys()].toSorted().join();
  if (names !== HEADER_FIELDS || !v.is(KeyIdSchema, kid) || JSON.stringify(header) !== bytesToUtf8(bytes)) {
    throw new ConsentError(
      'consent/jws-header-refused',
      'a header holds alg, typ and kid, once each, and nothing else',
    );
  }
  return kid;
}

/** By WebCrypto itself: everything else that a JWS library would look at is checked above, byte by byte. */
async function verifySignature(jws: string, signature: Uint8Array, publicKey: CryptoKey): Promise<void> {
  const signed = utf8ToBytes(jws.slice(0, jws.lastIndexOf('.')));
  if (await crypto.subtle.verify(ALGORITHM, publicKey, new Uint8Array(signature), new Uint8Array(signed)))
    return;
  throw new ConsentError('consent/signature-invalid', 'the signature does not verify');
}

function readPayload(bytes: Uint8Array): unknown {
  const payload = parseJson(bytes, 'consent/payload-not-canonical', 'the payload is not JSON');
  if (!isCanonical(payload, bytes)) {
    throw new ConsentError('consent/payload-not-canonical', 'the payload is not in its RFC 8785 spelling');
  }
  return payload;
}

function isCanonical(payload: unknown, bytes: Uint8Array): boolean {
  try {
    return equalBytes(canonicalBytes(payload), bytes);
  } catch {
    // Parsed JSON that cannot be written again (lone surrogates, -0, too deep) has no canonical spelling.
    return false;
  }
}

function parseJson(
  bytes: Uint8Array,
  code: 'consent/jws-malformed' | 'consent/payload-not-canonical',
  message: string,
): unknown {
  try {
    return JSON.parse(bytesToUtf8(bytes));
  } catch (cause) {
    throw new ConsentError(code, message, { cause });
  }
}

function malformed(message: string, cause?: unknown): ConsentError {
  return new ConsentError('consent/jws-malformed', message, cause === undefined ? {} : { cause });
}
