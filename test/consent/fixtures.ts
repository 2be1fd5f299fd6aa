import type {
  ConsentInput,
  ConsentKey,
  ConsentProvenance,
  GrantTerms,
  JwsSigner,
  KeyHolder,
} from '@twinkeep/consent';
import { PURPOSES, createConsentSigner, importConsentKey } from '@twinkeep/consent';
import type { CryptoKey, JWK } from 'jose';
import { exportJWK, generateKeyPair, importJWK } from 'jose';
import vectors from '../vectors/consent-jws.json' with { type: 'json' };

export { vectors };

export const START: number = Date.parse('2026-01-15T10:00:00Z');
export const DAY: number = 86_400_000;
export const SUBJECT = 'AAECAwQFBgcICQoLDA0ODw';
export const OTHER_SUBJECT = 'Dw4NDAsKCQgHBgUEAwIBAA';
export const CONTROLLER = 'https://bank.example';
export const PURPOSE: string = PURPOSES.servicePersonalisation;

export const TERMS: GrantTerms = {
  consentType: 'expressed',
  storage: { location: 'device', retention: 'P1Y', deletion: 'P30D' },
};

export const BASE = {
  recordId: '01KF0S8Q400000000000000001',
  subject: SUBJECT,
  controller: CONTROLLER,
  seq: 1,
  links: { prev: null },
  jurisdiction: ['EU', 'DE'],
  notice: {
    id: 'notice-7',
    version: '3.1.0',
    lang: 'en',
    hash: 'sha-256:j9shRlAdz45tndhcJFCwLTfH4QhhOfj-_4m4bglvUy8',
  },
  categories: { required: ['behavioral'], optional: ['feedback'] },
  purpose: PURPOSE,
  operations: ['collect', 'train_local', 'contribute'],
  at: START,
  method: 'toggle+confirm',
  provenance: { by: 'subject' },
} satisfies Omit<ConsentInput, 'type' | 'terms'>;

export const GRANT: ConsentInput = { ...BASE, type: 'grant', terms: TERMS };

export interface Pair {
  signer: JwsSigner;
  jwk: JWK;
  key: ConsentKey;
}

/** A fresh key. */
export async function createPair(holder: KeyHolder): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('Ed25519');
  const jwk = await exportJWK(publicKey);
  return {
    signer: await createConsentSigner(privateKey, jwk),
    jwk,
    key: await importConsentKey(jwk, holder),
  };
}

/** The key of the vectors' seed. */
export async function createVectorPair(holder: KeyHolder): Promise<Pair> {
  const jwk: JWK = vectors.jwk;
  const d = Buffer.from(vectors.seedHex, 'hex').toString('base64url');
  const privateKey = (await importJWK({ ...jwk, d }, 'Ed25519')) as CryptoKey;
  return {
    signer: await createConsentSigner(privateKey, jwk),
    jwk,
    key: await importConsentKey(jwk, holder),
  };
}

export function collectorProvenance(kid: string, party = 'https://clinic.example'): ConsentProvenance {
  return {
    by: 'collector',
    collectedBy: { kid, party },
    evidence: [{ kind: 'csv-column', value: 'marketing_ok' }],
  };
}
