/** Whoever may speak for a data subject, and what they sign: a person's devices, a guardian, an agent. */
import {
  createConsentEvent,
  createConsentSigner,
  createRecordId,
  createSubjectEvent,
  linkToHeads,
  NO_CONSENT,
  applyConsent,
  signConsentEvent,
  type ConsentEvent,
  type ConsentInput,
  type ConsentProvenance,
  type ConsentState,
  type PrivacyFloor,
  type SignedConsent,
  type SubjectInput,
} from '@twinkeep/consent';
import {
  consentHistorySchema,
  PATHS,
  publicKeyToJwk,
  randomBytes,
  type ConsentHistory,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import type { Answer, Client } from './client.ts';
import { createDevice, type Device, type Parties } from './parties.ts';
import { PURPOSE, smallTask } from './task.ts';

export const NOTICE = { id: 'notice', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };

/** A device with what it knows of one subject. */
export interface Speaker {
  device: Device;
  subject: string;
  state: ConsentState;
  seq: number;
}

/** A device of the subject itself, unless another credential is given. */
export async function createSpeaker(parties: Parties, subject: string, device?: Device): Promise<Speaker> {
  const own = device ?? (await createDevice(parties, { maxTwins: 1, sub: subject }));
  return { device: own, subject, state: NO_CONSENT, seq: 0 };
}

export interface Words {
  type: 'grant' | 'refuse' | 'withdraw' | 'object';
  provenance?: ConsentProvenance;
  notice?: ConsentEvent['notice'];
  floor?: PrivacyFloor;
  seq?: number;
  links?: { prev: string | null };
  operations?: ConsentInput['operations'];
}

/** The next event of this device, which then knows it, as if it stood in the log. */
export async function speak(speaker: Speaker, words: Words): Promise<SignedConsent> {
  const { type, provenance = { by: 'subject' }, notice = NOTICE, floor } = words;
  const choice = {
    ...baseOf(speaker, words.seq, words.links),
    provenance,
    notice,
    categories: smallTask().categories,
    purpose: PURPOSE,
    operations: words.operations ?? (['contribute'] as const),
  };
  const storage = { location: 'device', retention: 'P1Y', deletion: 'P30D' };
  const terms = {
    consentType: 'expressed' as const,
    storage,
    ...(floor === undefined ? {} : { privacyFloor: floor }),
  };
  return sign(
    speaker,
    createConsentEvent(type === 'grant' ? { ...choice, type, terms } : { ...choice, type }),
  );
}

/** What is about the subject as a whole: who may speak, with which keys. */
export function speakOf(
  speaker: Speaker,
  words: Pick<SubjectInput, 'type' | 'delegate' | 'delegation' | 'key'>,
): Promise<SignedConsent> {
  const base = { ...baseOf(speaker), provenance: { by: 'subject' as const }, notice: NOTICE };
  return sign(speaker, createSubjectEvent({ ...base, ...words }));
}

function baseOf({ subject, state, seq }: Speaker, ownSeq?: number, links?: { prev: string | null }) {
  const at = Date.now();
  return {
    recordId: createRecordId(at, randomBytes(10)),
    subject,
    controller: 'https://controller.test',
    seq: ownSeq ?? seq + 1,
    links: links ?? linkToHeads(state),
    jurisdiction: ['EU'],
    at,
    method: 'toggle',
  };
}

async function sign(speaker: Speaker, event: ConsentEvent): Promise<SignedConsent> {
  const { key } = speaker.device;
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const signed = await signConsentEvent(event, signer);
  const { state } = speaker;
  const logged = { id: signed.id, event, index: state.lastIndex + 1, receivedAt: Date.now() };
  speaker.state = applyConsent(state, logged);
  speaker.seq = event.seq;
  return signed;
}

export function send(client: Client, { device }: Speaker, ...events: SignedConsent[]): Promise<Answer> {
  const body = { events: events.map(({ jws }) => jws) };
  return client.sendAs(device, { method: 'POST', path: PATHS.consents, body });
}

export async function readHistory(client: Client, device: Device, query = ''): Promise<ConsentHistory> {
  const answer = await client.sendAs(device, { method: 'GET', path: PATHS.consents + query });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return v.parse(consentHistorySchema, answer.body);
}

/** Reads everything back and folds it: what a device knows after it has synchronised. */
export async function synchronise(client: Client, speaker: Speaker): Promise<ConsentHistory['events']> {
  const query = speaker.device.sub === speaker.subject ? '' : `?subjects=${speaker.subject}`;
  const { events } = await readHistory(client, speaker.device, query);
  let state = NO_CONSENT;
  for (const { jws, receivedAt, receipt } of events) {
    const event = JSON.parse(
      Buffer.from(jws.split('.')[1] as string, 'base64url').toString(),
    ) as ConsentEvent;
    state = applyConsent(state, { id: receipt.event, event, index: receipt.index, receivedAt });
  }
  speaker.state = state;
  return events;
}
