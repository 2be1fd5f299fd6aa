/** Credentials (RFC 7519, RFC 7800) and proofs of possession (RFC 9449): what a stranger might send instead. */
import { bytesToBase64Url, sha256, utf8ToBytes } from '@twinkeep/audit';
import {
  createProof,
  createSigningKey,
  CREDENTIAL_TYPE,
  exportSigningKey,
  issueCredential,
  MAX_CREDENTIAL_BYTES,
  ProblemError,
  publicKeyToJwk,
  randomBytes,
  sodiumReady,
  thumbprint,
  verifyCredential,
  verifyProof,
  type ProofRequest,
  type SigningKey,
  type Trust,
} from '@twinkeep/protocol';
import { calculateJwkThumbprint, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

const NOW = new Date('2026-03-01T12:00:00Z');
const SECONDS = NOW.getTime() / 1000;
const SUB = 'AAECAwQFBgcICQoLDA0ODw';

let issuer: SigningKey;
let device: SigningKey;
let trust: Trust;

beforeAll(async () => {
  await sodiumReady;
  [issuer, device] = await Promise.all([createSigningKey(true), createSigningKey(true)]);
  trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.example', operator: 'Example Bank', key: issuer.id },
    log: { vkey: 'log' },
    witnesses: null,
    helpers: [{ j: 1, operator: 'A', key: issuer.id }],
    issuer: { id: 'https://bank.example', keys: [issuer.id] },
  };
});

async function codeOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return 'accepted';
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
}

describe('a credential', () => {
  const issue = (lifetime = 3_600, key = issuer): Promise<string> =>
    issueCredential(
      { sub: SUB, devicePublicKey: device.publicKey, maxTwins: 7, scope: 'device' },
      { id: trust.issuer.id, key },
      trust.coordinator.id,
      NOW,
      lifetime,
    );

  /** A credential with any claim or header replaced, signed by the true issuer. */
  async function craft(claims: JWTPayload = {}, header: Record<string, unknown> = {}): Promise<string> {
    const good = {
      iss: trust.issuer.id,
      aud: trust.coordinator.id,
      sub: SUB,
      iat: SECONDS,
      exp: SECONDS + 60,
      maxTwins: 1,
      scope: 'device',
      cnf: { jkt: thumbprint(device.publicKey) },
    };
    const payload = Object.fromEntries(
      Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
    );
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'Ed25519', typ: CREDENTIAL_TYPE, kid: issuer.id, ...header })
      .sign(issuer.privateKey);
  }

  it('binds a pseudonym to a device key', async () => {
    const jkt = await calculateJwkThumbprint({ ...publicKeyToJwk(device.publicKey) });
    expect(await verifyCredential(await issue(), trust, NOW)).toEqual({
      sub: SUB,
      jkt,
      maxTwins: 7,
      scope: 'device',
      exp: SECONDS + 3_600,
    });
    expect(await codeOf(verifyCredential(await craft(), trust, NOW))).toBe('accepted');
  });

  it('ends', async () => {
    const jwt = await issue(60);
    expect(await codeOf(verifyCredential(jwt, trust, new Date(NOW.getTime() + 59_000)))).toBe('accepted');
    expect(await codeOf(verifyCredential(jwt, trust, new Date(NOW.getTime() + 61_000)))).toBe(
      'auth/credential-expired',
    );
  });

  it.each<[string, JWTPayload, Record<string, unknown>?]>([
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'https://other.example' }],
    ['no audience', { aud: undefined } as never],
    ['no end', { exp: undefined } as never],
    ['no subject', { sub: undefined } as never],
    ['no time of issue', { iat: undefined } as never],
    ['a person’s name as its subject', { sub: 'alice@example.com' }],
    ['a subject in another spelling', { sub: 'AAECAwQFBgcICQoLDA0ODx' }],
    ['no key', { cnf: undefined }],
    ['a key of another form', { cnf: { jkt: 'short' } }],
    ['a whole key', { cnf: { jwk: {} } }],
    ['no twins', { maxTwins: 0 }],
    ['half a twin', { maxTwins: 1.5 }],
    ['twins as text', { maxTwins: '5' }],
    ['an unknown scope', { scope: 'admin' }],
    ['a beginning in the future', { nbf: SECONDS + 120 }],
    ['the type of another token', {}, { typ: 'JWT' }],
    ['no type', {}, { typ: undefined }],
    ['a key id that is not pinned', {}, { kid: bytesToBase64Url(sha256(utf8ToBytes('x'))) }],
    ['no key id', {}, { kid: undefined }],
  ])('is refused with %s', async (_, claims, header) => {
    expect(await codeOf(verifyCredential(await craft(claims, header), trust, NOW))).toBe('auth/credential');
  });

  it('is refused by another key under the issuer’s name, without a signature, or by a shared secret', async () => {
    const [, payload] = (await issue()).split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload;
    const stranger = await createSigningKey(true);
    const header = { alg: 'Ed25519', typ: CREDENTIAL_TYPE, kid: issuer.id };
    const rsa = await generateKeyPair('RS256');
    const forged = [
      await new SignJWT(claims).setProtectedHeader(header).sign(stranger.privateKey),
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(utf8ToBytes(issuer.id)),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(issuer.publicKey),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'RS256' }).sign(rsa.privateKey),
      `${(await issue()).slice(0, -3)}AAA`,
      'a.b.c',
      '',
      'x'.repeat(MAX_CREDENTIAL_BYTES + 1),
    ];
    for (const jwt of forged) expect(await codeOf(verifyCredential(jwt, trust, NOW))).toBe('auth/credential');
  });

  it('is refused wherever one character is changed', async () => {
    const jwt = await issue();
    for (let at = 0; at < jwt.length; at++) {
      const other = jwt[at] === 'A' ? 'B' : 'A';
      const changed = jwt.slice(0, at) + other + jwt.slice(at + 1);
      // The last character of a signature carries bits that decode to nothing, so it may be spelt in several ways.
      const spelling = at === jwt.length - 1 ? /^accepted$|^auth/ : /^auth\/credential/;
      expect(await codeOf(verifyCredential(changed, trust, NOW))).toMatch(spelling);
    }
  });
});

describe('a proof of possession', () => {
  const request: ProofRequest = {
    method: 'PUT',
    url: 'https://coordinator.example/v1/x?a=1#f',
    credential: 'jwt',
    nonce: 'n-1',
  };
  const verify = (proof: string, changed: Partial<ProofRequest> = {}, now = NOW): Promise<string> =>
    codeOf(verifyProof(proof, { ...request, ...changed }, now));

  async function craft(
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const good = {
      jti: bytesToBase64Url(randomBytes(16)),
      htm: 'PUT',
      htu: 'https://coordinator.example/v1/x',
      iat: SECONDS,
      nonce: 'n-1',
      ath: bytesToBase64Url(sha256(utf8ToBytes('jwt'))),
    };
    const payload = Object.fromEntries(
      Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
    );
    return new SignJWT(payload)
      .setProtectedHeader({
        alg: 'Ed25519',
        typ: 'dpop+jwt',
        jwk: { ...publicKeyToJwk(device.publicKey) },
        ...header,
      })
      .sign(device.privateKey);
  }

  it('names key, nonce, time and itself', async () => {
    const proof = await createProof(device, request, NOW);
    expect(await verifyProof(proof, request, NOW)).toEqual({
      kid: device.id,
      jkt: thumbprint(device.publicKey),
      nonce: 'n-1',
      jti: expect.stringMatching(/^[\w-]{22}$/),
      iat: SECONDS,
    });
    const other = await verifyProof(await createProof(device, request, NOW), request, NOW);
    expect(other.jti).not.toBe((await verifyProof(proof, request, NOW)).jti);
    expect(await verify(await craft())).toBe('accepted');
  });

  it('is for one method, one address without its query, one credential', async () => {
    const proof = await createProof(device, request, NOW);
    expect(await verify(proof, { url: 'https://coordinator.example/v1/x' })).toBe('accepted');
    expect(await verify(proof, { method: 'POST' })).toBe('auth/proof');
    expect(await verify(proof, { url: 'https://coordinator.example/v1/y' })).toBe('auth/proof');
    expect(await verify(proof, { url: 'https://evil.example/v1/x' })).toBe('auth/proof');
    expect(await verify(proof, { credential: 'other' })).toBe('auth/proof');
    const { credential: _, ...bare } = request;
    expect(await codeOf(verifyProof(proof, bare, NOW))).toBe('auth/proof');
    expect(await codeOf(verifyProof(await createProof(device, bare, NOW), request, NOW))).toBe('auth/proof');
    expect(await codeOf(verifyProof(await createProof(device, bare, NOW), bare, NOW))).toBe('accepted');
  });

  it('is for five minutes on either side', async () => {
    const proof = await createProof(device, request, NOW);
    for (const seconds of [-300, 0, 300])
      expect(await verify(proof, {}, new Date(NOW.getTime() + seconds * 1000))).toBe('accepted');
    for (const seconds of [-301, 301, 86_400])
      expect(await verify(proof, {}, new Date(NOW.getTime() + seconds * 1000))).toBe('auth/proof');
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ['no jti', { jti: undefined }],
    ['a jti that could be guessed', { jti: 'short' }],
    ['a jti that fills a table', { jti: 'x'.repeat(65) }],
    ['no time', { iat: undefined }],
    ['a time as text', { iat: '2026' }],
    ['no method', { htm: undefined }],
    ['no address', { htu: undefined }],
    ['a nonce that fills a table', { nonce: 'x'.repeat(129) }],
    ['another type', {}, { typ: 'JWT' }],
    ['no key', {}, { jwk: undefined }],
    ['another algorithm in its key', {}, { jwk: { kty: 'oct', k: 'AAAA' } }],
  ])('is refused with %s', async (_, claims, header) => {
    expect(await verify(await craft(claims, header))).toBe('auth/proof');
  });

  it('is refused with a private key inside, with another key, unsigned, or changed', async () => {
    const { d, ...rest } = (await exportSigningKey(device)) as { d: string };
    expect(d).toHaveLength(43);
    const stranger = await createSigningKey();
    const proof = await createProof(device, request, NOW);
    const refused = [
      await craft({}, { jwk: { ...rest, kty: 'OKP', crv: 'Ed25519', x: device.id, d } }),
      await craft({}, { jwk: { ...publicKeyToJwk(stranger.publicKey) } }),
      new UnsecuredJWT({ jti: 'x'.repeat(22), htm: 'PUT', htu: 'https://coordinator.example/v1/x' }).encode(),
      `${proof.slice(0, 40)}A${proof.slice(41)}`,
      'a.b.c',
      'x'.repeat(2_049),
    ];
    for (const each of refused) expect(await verify(each)).toBe('auth/proof');
  });
});
