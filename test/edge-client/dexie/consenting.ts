/** Real consents, signed by the device key of a store, for tests inside a page. */
import {
  createConsentEvent,
  createConsentSigner,
  createRecordId,
  linkToHeads,
  signConsentEvent,
  type Category,
} from '@twinkeep/consent';
import { readConsentChain } from '@twinkeep/edge-client/fleet';
import type { DexieTwinStore } from '@twinkeep/edge-client/dexie';
import { publicKeyToJwk } from '@twinkeep/protocol';
import { NOW, PURPOSE } from '../../contracts/twin-store-fixtures.ts';

const CONTROLLER = 'https://bank.example';

export async function grant(
  store: DexieTwinStore,
  subject: string,
  categories: readonly Category[],
  validUntil?: number,
): Promise<void> {
  const until = validUntil === undefined ? {} : { validUntil };
  const storage = { location: CONTROLLER, retention: 'P2Y', deletion: 'P30D' };
  await choose(store, subject, categories, {
    type: 'grant',
    terms: { consentType: 'expressed', storage, ...until },
  });
}

export async function withdraw(
  store: DexieTwinStore,
  subject: string,
  categories: readonly Category[],
): Promise<void> {
  await choose(store, subject, categories, { type: 'withdraw' });
}

type Choice =
  { type: 'withdraw' } | Pick<Parameters<typeof createConsentEvent>[0] & { type: 'grant' }, 'type' | 'terms'>;

async function choose(
  store: DexieTwinStore,
  subject: string,
  categories: readonly Category[],
  choice: Choice,
): Promise<void> {
  const key = await store.deviceKey();
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const [twin] = await store.readTwins([subject]);
  const chain = twin?.consents ?? [];
  const event = createConsentEvent({
    ...choice,
    recordId: createRecordId(NOW, crypto.getRandomValues(new Uint8Array(10))),
    subject,
    controller: CONTROLLER,
    seq: chain.length + 1,
    links: linkToHeads(readConsentChain(chain).signed),
    jurisdiction: ['EU'],
    notice: { id: 'n', version: '1', lang: 'en', hash: `sha-256:${'0'.repeat(42)}A` },
    categories: { required: categories, optional: [] },
    purpose: PURPOSE,
    operations: ['collect'],
    at: NOW,
    method: 'test',
    provenance: { by: 'subject' },
  });
  const { id, jws } = await signConsentEvent(event, signer);
  await store.appendConsents(subject, chain.length, [{ id, jws }]);
}
