import { canonicalBytes, canonicalJson, hexToBytes, sha256, utf8ToBytes } from '@twinkeep/audit';
import type { ConsentError, JwsKey, JwsRules } from '@twinkeep/consent';
import { CONSENT_JWS_TYPE, consentEventId, importJwsKey, signJws, verifyJws } from '@twinkeep/consent';
import { CompactSign } from 'jose';
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Pair } from './fixtures.ts';
import { SUBJECT, createPair, createVectorPair, vectors } from './fixtures.ts';

const seed = hexToBytes(vectors.seedHex);
let pair: Pair;
let other: Pair;

beforeAll(async () => {
  pair = await createVectorPair({ role: 'subject', subject: SUBJECT });
  other = await createPair({ role: 'subject', subject: SUBJECT });
});

const keyOf = (kid: string): JwsKey | undefined => (kid === pair.key.kid ? pair.key : undefined);

function unreachable(): never {
  throw new Error('a key was looked for');
}

function rules(overrides: Partial<JwsRules<JwsKey>> = {}): JwsRules<JwsKey> {
  return { typ: CONSENT_JWS_TYPE, maxChars: 32_768, keyOf, ...overrides };
}

const b64u = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** A JWS with any header and payload text whatever, signed correctly by the vectors' key. */
async function forge(header: string, payload: string): Promise<string> {
  const { privateKey } = pair.signer;
  const input = `${b64u(header)}.${b64u(payload)}`;
  const signature = await crypto.subtle.sign('Ed25519', privateKey, new TextEncoder().encode(input));
  return `${input}.${b64u(new Uint8Array(signature))}`;
}

const headerText = (fields: object = {}): string =>
  JSON.stringify({ alg: 'Ed25519', typ: CONSENT_JWS_TYPE, kid: pair.key.kid, ...fields });

describe('the published vectors', () => {
  test('canonical form, thumbprint and event id', () => {
    expect(canonicalJson(vectors.record)).toBe(vectors.jcs);
    expect(Buffer.from(sha256(canonicalBytes(vectors.record))).toString('hex')).toBe(vectors.jcsSha256);
    expect(pair.key.kid).toBe(vectors.kid);
    const hash = createHash('sha256').update(vectors.jws.Ed25519).digest('base64url');
    expect(consentEventId(vectors.jws.Ed25519)).toBe(`sha-256:${hash}`);
  });

  test('signing reproduces them bit for bit', async () => {
    expect(await signJws(vectors.record, CONSENT_JWS_TYPE, pair.signer)).toBe(vectors.jws.Ed25519);
    const { body, jws } = vectors.contribution;
    expect(await signJws(body, 'twin-contribution+jws', pair.signer)).toBe(jws);
  });

  test.each(['Ed25519', 'EdDSA'] as const)('%s verifies', async (alg) => {
    const { payload, key } = await verifyJws(vectors.jws[alg], rules());
    expect(payload).toEqual(vectors.record);
    expect(key).toBe(pair.key);
  });

  test('every changed character of one is refused', async () => {
    const jws: string = vectors.jws.Ed25519;
    for (let i = 0; i < jws.length; i++) {
      const changed = `${jws.slice(0, i)}${jws[i] === 'A' ? 'B' : 'A'}${jws.slice(i + 1)}`;
      await expect(verifyJws(changed, rules())).rejects.toMatchObject({
        name: 'ConsentError',
      });
    }
  });
});

describe('refused', () => {
  const accepted = '{"a":1}';

  test('the forger itself is accepted when it forges nothing', async () => {
    expect((await verifyJws(await forge(headerText(), accepted), rules())).payload).toEqual({ a: 1 });
  });

  test.each([
    ['alg none', { alg: 'none' }, 'consent/jws-algorithm-refused'],
    ['alg HS256', { alg: 'HS256' }, 'consent/jws-algorithm-refused'],
    ['alg ES256', { alg: 'ES256' }, 'consent/jws-algorithm-refused'],
    ['alg as a list', { alg: ['Ed25519'] }, 'consent/jws-algorithm-refused'],
    ['no alg', { alg: undefined }, 'consent/jws-algorithm-refused'],
    ['another typ', { typ: 'twin-contribution+jws' }, 'consent/jws-type-refused'],
    ['no typ', { typ: undefined }, 'consent/jws-type-refused'],
    ['crit', { crit: ['exp'], exp: 1 }, 'consent/jws-header-refused'],
    ['b64', { b64: false, crit: ['b64'] }, 'consent/jws-header-refused'],
    ['jwk', { jwk: vectors.jwk }, 'consent/jws-header-refused'],
    ['jku', { jku: 'https://keys.example/jwks.json' }, 'consent/jws-header-refused'],
    ['x5u', { x5u: 'https://keys.example/cert.pem' }, 'consent/jws-header-refused'],
    ['x5c', { x5c: [] }, 'consent/jws-header-refused'],
    ['no kid', { kid: undefined }, 'consent/jws-header-refused'],
    ['a kid that is no thumbprint', { kid: '../../etc/passwd' }, 'consent/jws-header-refused'],
  ])('header: %s', async (_name, fields, code) => {
    await expect(verifyJws(await forge(headerText(fields), accepted), rules())).rejects.toMatchObject({
      code,
    });
  });

  test('header: duplicate keys, white space, not an object, not JSON, not UTF-8', async () => {
    const duplicate = headerText().replace('{', '{"alg":"none",');
    const spaced = headerText().replace(':', ': ');
    for (const header of [duplicate, spaced]) {
      await expect(verifyJws(await forge(header, accepted), rules())).rejects.toMatchObject({
        code: 'consent/jws-header-refused',
      });
    }
    for (const header of ['null', '"Ed25519"', '{', '']) {
      await expect(verifyJws(await forge(header, accepted), rules())).rejects.toMatchObject({
        code: 'consent/jws-malformed',
      });
    }
    const [, payload, signature] = (await forge(headerText(), accepted)).split('.');
    await expect(
      verifyJws(`${b64u(Uint8Array.of(0xff))}.${payload}.${signature}`, rules()),
    ).rejects.toMatchObject({
      code: 'consent/jws-malformed',
    });
  });

  test.each([
    ['white space', '{"a": 1}'],
    ['keys out of order', '{"b":1,"a":2}'],
    ['duplicate keys', '{"a":1,"a":1}'],
    ['duplicate keys that disagree', '{"a":2,"a":1}'],
    ['a number spelt otherwise', '{"a":1.0}'],
    ['negative zero', '{"a":-0}'],
    ['an escape that is not needed', '{"a":"\\u0062"}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a byte-order mark', '\ufeff{"a":1}'],
    ['trailing text', '{"a":1} '],
    ['nesting without end', '['.repeat(5000) + ']'.repeat(5000)],
    ['no JSON', 'a=1'],
    ['nothing', ''],
  ])('payload: %s', async (_name, payload) => {
    await expect(verifyJws(await forge(headerText(), payload), rules())).rejects.toMatchObject({
      code: 'consent/payload-not-canonical',
    });
  });

  test('an HMAC of 64 bytes made with the public key as its secret', async () => {
    const header = { alg: 'HS512', typ: CONSENT_JWS_TYPE, kid: pair.key.kid };
    const secret = utf8ToBytes(JSON.stringify(vectors.jwk));
    const jws = await new CompactSign(utf8ToBytes(accepted)).setProtectedHeader(header).sign(secret);
    await expect(verifyJws(jws, rules())).rejects.toMatchObject({ code: 'consent/jws-algorithm-refused' });
  });

  test('trailing garbage, missing parts, padding and stray bits', async () => {
    const jws: string = vectors.jws.Ed25519;
    const [header, payload, signature] = jws.split('.');
    const spellings = [
      `${jws}.`,
      `${jws}.AAAA`,
      `${jws}=`,
      `${jws} `,
      ` ${jws}`,
      `${jws}AA`,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}..${signature}x`,
      jws.replaceAll('-', '+'),
      // 64 bytes leave four unused bits in the last of 86 characters.
      `${jws.slice(0, -1)}h`,
      '',
      '...',
    ];
    expect(jws.at(-1)).toBe('g');
    for (const spelling of spellings) {
      const outcome = verifyJws(spelling, rules()).then(
        () => 'accepted',
        (error: ConsentError) => error.code,
      );
      expect([spelling, await outcome]).toEqual([spelling, 'consent/jws-malformed']);
    }
  });

  test('more characters than allowed, before anything is parsed', async () => {
    const jws = await forge(headerText(), JSON.stringify('x'.repeat(40_000)));
    await expect(verifyJws(jws, rules({ keyOf: unreachable }))).rejects.toMatchObject({
      code: 'consent/jws-too-large',
    });
    expect((await verifyJws(jws, rules({ maxChars: jws.length }))).payload).toHaveLength(40_000);
  });

  test('an unknown key, and a record that answers with another key than was asked for', async () => {
    const jws: string = vectors.jws.Ed25519;
    for (const key of [undefined, other.key]) {
      await expect(verifyJws(jws, rules({ keyOf: () => key }))).rejects.toMatchObject({
        code: 'consent/key-unknown',
      });
    }
  });

  test('a signature by another key under the kid of a known one', async () => {
    const impostor = { ...other.signer, kid: pair.key.kid };
    const jws = await signJws({ a: 1 }, CONSENT_JWS_TYPE, impostor);
    await expect(verifyJws(jws, rules())).rejects.toMatchObject({ code: 'consent/signature-invalid' });
  });
});

describe('importJwsKey', () => {
  test.each([
    ['a private key', { ...vectors.jwk, d: b64u(seed) }],
    ['another curve', { ...vectors.jwk, crv: 'X25519' }],
    ['Ed448', { kty: 'OKP', crv: 'Ed448', x: b64u(new Uint8Array(57)) }],
    ['an RSA key', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
    ['31 bytes', { ...vectors.jwk, x: b64u(new Uint8Array(31)) }],
    ['stray bits', { ...vectors.jwk, x: `${vectors.jwk.x.slice(0, -1)}1` }],
    ['nothing', null],
  ])('refuses %s', async (_name, jwk) => {
    await expect(importJwsKey(jwk)).rejects.toMatchObject({ code: 'consent/key-refused' });
  });

  test('computes the kid itself', async () => {
    expect((await importJwsKey({ ...vectors.jwk, kid: 'mine', use: 'sig' })).kid).toBe(vectors.kid);
  });
});
