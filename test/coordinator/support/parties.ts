/** Keys and papers of everyone around a coordinator, made fresh: nothing in a test depends on which keys they are. */
import { createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import {
  createSigningKey,
  exportSigningKey,
  issueCredential,
  type Credential,
  type SigningKey,
  type Trust,
} from '@twinkeep/protocol';
import type { PrivateJwk } from '@twinkeep/coordinator';
import { bytesToBase64Url } from '@twinkeep/audit';
import { randomBytes } from 'node:crypto';

export const PUBLIC_URL = 'https://coordinator.test/base';
export const ORIGIN = 'coordinator.test/log';
const HELPERS = 4;

export interface Parties {
  trust: Trust;
  key: PrivateJwk;
  logKey: PrivateJwk;
  vaultKey: Uint8Array;
  issuer: { id: string; key: SigningKey };
  helpers: SigningKey[];
}

export async function createParties(): Promise<Parties> {
  const [coordinator, log, issuer] = await Promise.all([
    createSigningKey(true),
    createSigningKey(true),
    createSigningKey(),
  ]);
  const helpers = await Promise.all(Array.from({ length: HELPERS }, () => createSigningKey()));
  const trust: Trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.test', operator: 'Example Bank', key: coordinator.id },
    log: { vkey: noteKeyToVkey(createNoteKey(ORIGIN, log.publicKey)) },
    witnesses: null,
    helpers: helpers.map(({ id }, i) => ({ j: i + 1, operator: `Operator ${i + 1}`, key: id })),
    issuer: { id: 'https://issuer.test', keys: [issuer.id] },
  };
  return {
    trust,
    key: (await exportSigningKey(coordinator)) as PrivateJwk,
    logKey: (await exportSigningKey(log)) as PrivateJwk,
    vaultKey: new Uint8Array(randomBytes(32)),
    issuer: { id: trust.issuer.id, key: issuer },
    helpers,
  };
}

export function createSubject(): string {
  return bytesToBase64Url(randomBytes(16));
}

export interface Device {
  key: SigningKey;
  sub: string;
  jwt: string;
  maxTwins: number;
}

export async function createDevice(
  { issuer, trust }: Parties,
  options: {
    maxTwins?: number;
    scope?: Credential['scope'];
    sub?: string;
    key?: SigningKey;
    lifetime?: number;
    issuedAt?: Date;
    issuer?: { id: string; key: SigningKey };
  } = {},
): Promise<Device> {
  const { maxTwins = 1_000, scope = 'device', sub = createSubject(), lifetime = 3_600 } = options;
  const key = options.key ?? (await createSigningKey());
  const jwt = await issueCredential(
    { sub, devicePublicKey: key.publicKey, maxTwins, scope },
    options.issuer ?? issuer,
    trust.coordinator.id,
    options.issuedAt ?? new Date(),
    lifetime,
  );
  return { key, sub, jwt, maxTwins };
}
