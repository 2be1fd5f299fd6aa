/**
 * Who may speak for a data subject, and verifying that it was them.
 *
 * The subject's own devices: any key with a credential for that one twin, so all of a person's devices. A collector (a region node): a key with
 * a credential for many twins, for the party that it first named, about subjects for whom nobody spoke before it. The
 * controller: this coordinator's own key, for a session, the help desk or an officer. What only the tables know (bindings, counters,
 * notices) is checked when the events are logged, in `admit.ts`.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import {
  ConsentError,
  importConsentKey,
  verifyConsentEvent,
  type ConsentErrorCode,
  type KeyHolder,
  type SignedConsent,
} from '@twinkeep/consent';
import { ProblemError, publicKeyToJwk, type Credential, type ProblemCode } from '@twinkeep/protocol';
import { readCollectorParty } from '../store/consents.ts';
import type { Db } from '../store/schema.ts';

export interface ConsentSender {
  credential: Credential;
  /** The credential as it came. */
  jwt: string;
  /** Base64url of the raw device key, as the request's proof showed it. */
  kid: string;
}

/** Events of one request, verified, taken whole or not at all. */
export interface SentEvents {
  events: readonly SignedConsent[];
  sender: ConsentSender;
  /** Thumbprint of the key that signed them all. */
  jkt: string;
  /** Of a collector: whom it acts for. Null where the subject's own device speaks. */
  party: string | null;
}

/** @throws ProblemError 'consent/invalid' or 'consent/foreign', naming the event by its place */
export async function verifySent(
  db: Db,
  sender: ConsentSender,
  jwsList: readonly string[],
): Promise<SentEvents> {
  const { credential, kid } = sender;
  const { jkt, sub, maxTwins } = credential;
  const holder: KeyHolder =
    maxTwins === 1
      ? { role: 'subject', subject: sub }
      : {
          role: 'collector',
          party: (await readCollectorParty(db, jkt)) ?? claimedParty(jwsList[0]),
        };
  const key = await importConsentKey(publicKeyToJwk(base64UrlToBytes(kid)), holder);
  const events: SignedConsent[] = [];
  for (const [place, jws] of jwsList.entries())
    events.push(
      await namingPlace(place, () => verifyConsentEvent(jws, (id) => (id === key.kid ? key : undefined))),
    );
  return { events, sender, jkt, party: holder.role === 'collector' ? holder.party : null };
}

/** Not verified yet: the event is checked against it with everything else, and the first one that is taken fixes it. */
function claimedParty(jws: string | undefined): string {
  try {
    const payload: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jws?.split('.')[1] ?? '')));
    const { collectedBy } = payload as { collectedBy?: { party?: unknown } };
    return String(collectedBy?.party ?? '');
  } catch {
    return '';
  }
}

const CODES: Partial<Record<ConsentErrorCode, ProblemCode>> = {
  'consent/key-unknown': 'consent/foreign',
  'consent/signer-not-entitled': 'consent/foreign',
  'consent/subject-mismatch': 'consent/conflict',
  'consent/out-of-order': 'consent/conflict',
  'consent/link-unknown': 'consent/conflict',
};

/** Messages of consent errors name fields and rules, never values. */
export async function namingPlace<T>(place: number, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    throw new ProblemError(CODES[error.code] ?? 'consent/invalid', `event ${place}: ${error.message}`);
  }
}
