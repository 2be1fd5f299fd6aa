/**
 * Who may speak for a data subject, and verifying that it was them.
 *
 * The subject's own devices: any key with a credential for that one twin, so all of a person's devices. A collector (a region node): a key with
 * a credential for many twins, for the party that it first named, about subjects for whom nobody spoke before it. A guardian or an
 * agent: a key that an event in the subject's own chain names, whatever its credential is for. The
 * controller: this coordinator's own key, for a session, the help desk or an officer. What only the tables know (bindings, counters,
 * notices) is checked when the events are logged, in `admit.ts`.
 */
import { base64UrlToBytes, bytesToUtf8 } from '@twinkeep/audit';
import {
  ConsentError,
  importConsentKey,
  verifyConsentEvent,
  type ConsentErrorCode,
  type ConsentKey,
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
  /** Whom a key acts for that collects for many. Null for a person's device. */
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
  const claims = jwsList.map(readClaim);
  const party = maxTwins === 1 ? null : ((await readCollectorParty(db, jkt)) ?? claimedParty(claims));
  const key = await importConsentKey(publicKeyToJwk(base64UrlToBytes(kid)), { role: 'agent' });
  const holderOf = ({ by }: Claim): KeyHolder => {
    if (by === 'guardian' || by === 'agent') return { role: by };
    return party === null ? { role: 'subject', subject: sub } : { role: 'collector', party };
  };
  const keys = claims.map((claim) => ({ ...key, holder: holderOf(claim) }));
  return { events: await verifyAll(jwsList, keys), sender, jkt, party };
}

/** Signatures are most of the work, and are verified by as many threads as Node has for them. */
async function verifyAll(jwsList: readonly string[], keys: readonly ConsentKey[]): Promise<SignedConsent[]> {
  const verified = await Promise.allSettled(
    jwsList.map((jws, place) => {
      const key = keys[place] as ConsentKey;
      return namingPlace(place, () => verifyConsentEvent(jws, (kid) => (kid === key.kid ? key : undefined)));
    }),
  );
  return verified.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}

/** As whom an event says it was signed. Not verified yet: with everything else, it is checked against the key's holder that follows from it. */
interface Claim {
  by: unknown;
  party: unknown;
}

function readClaim(jws: string): Claim {
  try {
    const payload: unknown = JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[1] ?? '')));
    const { event, collectedBy } = payload as {
      event?: { by?: unknown };
      collectedBy?: { party?: unknown };
    };
    return { by: event?.by, party: collectedBy?.party };
  } catch {
    return { by: undefined, party: undefined };
  }
}

/** The first one that is taken fixes it. */
function claimedParty(claims: readonly Claim[]): string {
  return String(claims.find(({ by }) => by === 'collector')?.party ?? '');
}

const CODES: Partial<Record<ConsentErrorCode, ProblemCode>> = {
  'consent/key-unknown': 'consent/foreign',
  'consent/signer-not-entitled': 'consent/foreign',
  'consent/subject-mismatch': 'consent/conflict',
  'consent/out-of-order': 'consent/conflict',
  'consent/link-unknown': 'consent/conflict',
  'consent/not-from-here': 'consent/conflict',
  'consent/too-soon': 'consent/conflict',
  'consent/notice-missing': 'consent/conflict',
  'consent/delegation-missing': 'consent/foreign',
  'consent/key-retired': 'consent/foreign',
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
