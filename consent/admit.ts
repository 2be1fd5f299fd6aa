import { ConsentError } from './errors.ts';
import type { ConsentEvent } from './event.ts';
import type { ConsentState } from './state.ts';
import { instantToMillis } from './instant.ts';

/** How far a signer's clock may run ahead of the coordinator's. */
const CLOCK_TOLERANCE_MILLIS = 5 * 60 * 1000;

/**
 * What whoever writes the log checks of a verified event before it is logged, beside three things that only its tables
 * know: that (subject, kid, seq) is new, that the notice is the one in force, and whom a collector may speak for. A
 * refusal or a withdrawal passes whatever its clock and links say: nothing stands between a subject and a no.
 *
 * Throws `consent/subject-mismatch`, and for a grant `consent/clock-ahead`, `consent/already-expired`, or
 * `consent/link-unknown` when it names events that are not in `state`: the signer should send those first.
 */
export function admitConsent(consent: ConsentEvent, state: ConsentState, receivedAt: number): void {
  const foreign =
    state.subject !== null && (state.subject !== consent.subject || state.controller !== consent.controller);
  if (foreign)
    throw new ConsentError('consent/subject-mismatch', 'the event is of another subject or controller');
  if (consent.event.type !== 'grant') return;
  if (instantToMillis(consent.event.at) > receivedAt + CLOCK_TOLERANCE_MILLIS) {
    throw new ConsentError('consent/clock-ahead', 'the grant is dated in the future');
  }
  for (const { validUntil } of consent.grants) {
    if (validUntil !== undefined && instantToMillis(validUntil) <= receivedAt) {
      throw new ConsentError('consent/already-expired', 'the grant is over already');
    }
  }
  const named = [...(consent.prev === null ? [] : [consent.prev]), ...(consent.merges ?? [])];
  if (named.some((id) => !state.links.has(id))) {
    throw new ConsentError('consent/link-unknown', 'the grant names an event that is not in the log');
  }
}
