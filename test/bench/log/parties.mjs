// Everyone around the measured coordinator: its keys and files, and devices with credentials and signed consent events.
import { bytesToBase64Url, createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import { createConsentEvent, createConsentSigner, createRecordId, signConsentEvent } from '@twinkeep/consent';
import {
  createSigningKey,
  exportSigningKey,
  importSigningKey,
  issueCredential,
  publicKeyToJwk,
  randomBytes,
} from '@twinkeep/protocol';
import { createHash, KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What proofs of possession name; nobody looks for it. */
export const PUBLIC_URL = 'https://coordinator.example';
const ORIGIN = 'bench.example/twinkeep';
const PARTY = 'https://region.example';
const NOTICE = { id: 'notice', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };
const CATEGORIES = { required: ['behavioral', 'transactional'], optional: ['feedback'] };

/** Keys, trust and configuration of a coordinator on this database, in files. */
export async function writeHouse(folder, databaseUrl) {
  const [key, logKey, issuer] = await Promise.all([1, 2, 3].map(() => createSigningKey(true)));
  const helpers = await Promise.all([1, 2, 3].map(() => createSigningKey()));
  const trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.example', operator: 'Example Bank', key: key.id },
    log: { vkey: noteKeyToVkey(createNoteKey(ORIGIN, logKey.publicKey)) },
    witnesses: null,
    helpers: helpers.map(({ id }, i) => ({ j: i + 1, operator: `Operator ${i + 1}`, key: id })),
    issuer: { id: 'https://issuer.example', keys: [issuer.id] },
  };
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: PUBLIC_URL,
    databaseUrl,
    trustFile: 'trust.json',
    keyFile: 'key.json',
    logKeyFile: 'log-key.json',
    vaultKeyFile: 'vault.key',
    logLevel: 'warn',
  };
  const files = {
    'trust.json': trust,
    'key.json': await exportSigningKey(key),
    'log-key.json': await exportSigningKey(logKey),
    'config.json': config,
  };
  writeFileSync(join(folder, 'vault.key'), `${bytesToBase64Url(randomBytes(32))}\n`);
  for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(value));
  return { configFile: join(folder, 'config.json'), trust, issuer: await exportSigningKey(issuer) };
}

/**
 * Devices with the bodies of their requests, in the order in which each sends them. A person's device speaks for its one person, a region
 * node for somebody else with each event.
 */
export async function createDevices({ trust, issuer, seed, devices, requests, perRequest }) {
  const issuerKey = { id: trust.issuer.id, key: await importSigningKey(issuer) };
  const made = [];
  for (let i = 0; i < devices; i++) {
    const random = (use, length) =>
      new Uint8Array(createHash('shake256', { outputLength: length }).update(`${seed}/${i}/${use}`).digest());
    const key = await createSigningKey();
    const sub = bytesToBase64Url(random('sub', 16));
    const isPerson = perRequest === 1;
    const jwt = await issueCredential(
      { sub, devicePublicKey: key.publicKey, maxTwins: isPerson ? 1 : 1_000_000, scope: 'device' },
      issuerKey,
      trust.coordinator.id,
      new Date(),
      86_400,
    );
    const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
    const chain = { seq: 0, prev: null };
    const own = Math.floor(requests / devices) + (i < requests % devices ? 1 : 0);
    const bodies = [];
    for (let r = 0; r < own; r++) {
      const events = [];
      for (let e = 0; e < perRequest; e++) {
        const subject = isPerson ? sub : bytesToBase64Url(random(`subject ${r} ${e}`, 16));
        const links = isPerson ? chain : { seq: 0, prev: null };
        const id = random(`record ${r} ${e}`, 10);
        const signed = await signConsentEvent(choice({ subject, links, id, signer, isPerson }), signer);
        if (isPerson) Object.assign(chain, { seq: chain.seq + 1, prev: signed.id });
        events.push(signed.jws);
      }
      bodies.push(events);
    }
    const signing = KeyObject.from(key.privateKey);
    made.push({ key: { ...key, signing }, jwt, sub, bodies });
  }
  return made;
}

function choice({ subject, links, id, signer, isPerson }) {
  const at = Date.now();
  const type = links.seq % 2 === 0 ? 'grant' : 'withdraw';
  return createConsentEvent({
    recordId: createRecordId(at, id),
    subject,
    controller: 'https://controller.example',
    seq: links.seq + 1,
    links: { prev: links.prev },
    jurisdiction: ['EU'],
    notice: NOTICE,
    categories: CATEGORIES,
    purpose: 'https://w3id.org/dpv#CustomerRelationshipManagement',
    operations: ['contribute'],
    at,
    method: 'toggle+confirm',
    provenance: isPerson
      ? { by: 'subject' }
      : {
          by: 'collector',
          collectedBy: { kid: signer.kid, party: PARTY },
          evidence: [{ kind: 'file', value: 'a list of the business' }],
        },
    type,
    ...(type === 'grant'
      ? {
          terms: {
            consentType: 'expressed',
            storage: { location: 'device', retention: 'P1Y', deletion: 'P30D' },
          },
        }
      : {}),
  });
}
