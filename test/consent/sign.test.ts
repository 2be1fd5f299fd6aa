import type { ConsentInput, ConsentKey, KeyHolder } from '@twinkeep/consent';
import {
  CONSENT_JWS_TYPE,
  MAX_CONSENT_JWS_CHARS,
  consentEventId,
  createConsentEvent,
  createConsentSigner,
  signConsentEvent,
  signJws,
  verifyConsentEvent,
} from '@twinkeep/consent';
import { generateKeyPair } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Pair } from './fixtures.ts';
import {
  BASE,
  CONTROLLER,
  GRANT,
  OTHER_SUBJECT,
  SUBJECT,
  collectorProvenance,
  createPair,
} from './fixtures.ts';

const PARTY = 'https://clinic.example';
const SUBJECT_HOLDER: KeyHolder = { role: 'subject', subject: SUBJECT };

let device: Pair;
let node: Pair;
let desk: Pair;

beforeAll(async () => {
  device = await createPair(SUBJECT_HOLDER);
  node = await createPair({ role: 'collector', party: PARTY });
  desk = await createPair({ role: 'controller', controller: CONTROLLER });
});

const keyOf = (kid: string): ConsentKey | undefined =>
  [device, node, desk].map((pair) => pair.key).find((key) => key.kid === kid);
const collected = (kid: string, party = PARTY): ConsentInput => ({
  ...GRANT,
  provenance: collectorProvenance(kid, party),
});
const assisted: ConsentInput = {
  ...BASE,
  type: 'withdraw',
  provenance: { by: 'controller', actor: 'officer-3', evidence: [{ kind: 'ticket', value: 'T-1' }] },
};

describe('signConsentEvent and verifyConsentEvent', () => {
  test('what a device, a region node and the help desk sign comes back as it was, under the hash of its JWS', async () => {
    const cases = [
      [device, GRANT],
      [node, collected(node.key.kid)],
      [desk, assisted],
    ] as const;
    for (const [{ signer }, input] of cases) {
      const event = createConsentEvent(input);
      const signed = await signConsentEvent(event, signer);
      expect(signed).toEqual({ id: consentEventId(signed.jws), kid: signer.kid, jws: signed.jws, event });
      expect(await verifyConsentEvent(signed.jws, keyOf)).toEqual(signed);
      expect(await signConsentEvent(event, signer)).toEqual(signed);
    }
  });

  test('a region node cannot pose as the subject, nor a device as a region node or the help desk', async () => {
    const cases = [
      [node, GRANT],
      [desk, GRANT],
      [device, collected(device.key.kid)],
      [device, assisted],
      [node, assisted],
    ] as const;
    for (const [{ signer }, input] of cases) {
      const { jws } = await signConsentEvent(createConsentEvent(input), signer);
      await expect(verifyConsentEvent(jws, keyOf)).rejects.toMatchObject({
        code: 'consent/signer-not-entitled',
      });
    }
  });

  test('a key speaks for its own subject, party and controller only', async () => {
    const cases = [
      [device, { ...GRANT, subject: OTHER_SUBJECT }],
      [node, collected(node.key.kid, 'https://other.example')],
      [desk, { ...assisted, controller: 'https://other.example' }],
    ] as const;
    for (const [{ signer }, input] of cases) {
      const { jws } = await signConsentEvent(createConsentEvent(input), signer);
      await expect(verifyConsentEvent(jws, keyOf)).rejects.toMatchObject({
        code: 'consent/signer-not-entitled',
      });
    }
  });

  test('a guardian or an agent speaks as what it is; for whom stands in the chain', async () => {
    const delegation = '01KF0S8Q40000000000000000M';
    const agent = await createPair({ role: 'agent' });
    const find = (kid: string): ConsentKey | undefined => (kid === agent.key.kid ? agent.key : undefined);
    for (const by of ['agent', 'guardian'] as const) {
      const event = createConsentEvent({ ...GRANT, provenance: { by, delegation } });
      const { jws } = await signConsentEvent(event, agent.signer);
      const verified = verifyConsentEvent(jws, find);
      if (by === 'agent') await expect(verified).resolves.toMatchObject({ kid: agent.key.kid, event });
      else await expect(verified).rejects.toMatchObject({ code: 'consent/signer-not-entitled' });
    }
  });

  test('collectedBy names the key that signs', async () => {
    const event = createConsentEvent(collected(device.key.kid));
    const refused = { code: 'consent/signer-not-entitled' };
    await expect(signConsentEvent(event, node.signer)).rejects.toMatchObject(refused);
    const jws = await signJws(event, CONSENT_JWS_TYPE, node.signer);
    await expect(verifyConsentEvent(jws, keyOf)).rejects.toMatchObject(refused);
  });

  test('a well-signed payload that is no consent event, or breaks its regime, is refused', async () => {
    const event = createConsentEvent(GRANT);
    const endless = {
      ...event,
      grants: event.grants.map((grant) => ({ ...grant, validUntil: '2036-01-15T10:00:00Z' })),
    };
    const cases = [
      [{ ...event, note: 'x' }, 'consent/event-invalid'],
      [{ ...event, regime: 'gdpr-optin@2' }, 'consent/regime-unknown'],
      [endless, 'consent/regime-violated'],
    ] as const;
    for (const [payload, code] of cases) {
      const jws = await signJws(payload, CONSENT_JWS_TYPE, device.signer);
      await expect(verifyConsentEvent(jws, keyOf)).rejects.toMatchObject({ code });
    }
  });

  test('an event too large to be verified is not signed', async () => {
    const recipients = Array.from({ length: 16 }, (_, i) => `https://${'r'.repeat(230)}${i}.example`);
    const terms = { ...(GRANT as ConsentInput & { type: 'grant' }).terms, recipients };
    const categories = {
      required: ['behavioral', 'transactional', 'interaction', 'contextual', 'feedback'],
      optional: ['third_party_enrichment'],
    } as const;
    const event = createConsentEvent({ ...BASE, type: 'grant', terms, categories });
    await expect(signConsentEvent(event, device.signer)).rejects.toMatchObject({
      code: 'consent/jws-too-large',
    });
    const jws = await signJws(event, CONSENT_JWS_TYPE, device.signer);
    expect(jws.length).toBeGreaterThan(MAX_CONSENT_JWS_CHARS);
    await expect(verifyConsentEvent(jws, keyOf)).rejects.toMatchObject({ code: 'consent/jws-too-large' });
  });
});

describe('createConsentSigner', () => {
  test('refuses halves of two pairs, and a key that does not sign', async () => {
    const stranger = await generateKeyPair('Ed25519');
    const refused = { code: 'consent/key-refused' };
    await expect(createConsentSigner(stranger.privateKey, device.jwk)).rejects.toMatchObject(refused);
    await expect(createConsentSigner(stranger.publicKey, device.jwk)).rejects.toMatchObject(refused);
    const agreement = await generateKeyPair('ECDH-ES', { crv: 'X25519' });
    await expect(createConsentSigner(agreement.privateKey, device.jwk)).rejects.toMatchObject(refused);
  });
});
