import { ConsentError } from './errors.ts';
import type { ConsentEvent, ConsentEventType } from './event.ts';
import { explainNoEffect } from './fold.ts';
import { instantToMillis } from './instant.ts';
import type { SignedConsent } from './sign.ts';
import type { ConsentState, Delegation } from './state.ts';

/** How far a signer's clock may run ahead of the coordinator's. */
const CLOCK_TOLERANCE_MILLIS = 5 * 60 * 1000;

/** What can only do good to a data subject is held to nothing but its signature. */
const CAREFUL: ReadonlySet<ConsentEventType> = new Set<ConsentEventType>([
  'grant',
  'renew',
  'unrestrict',
  'request',
  'defer',
  'delegate',
  'key_rotate',
]);

/**
 * What whoever writes the log checks of a verified event before it is logged, beside three things that only its tables
 * know: that (subject, kid, seq) is new, that the notice is the one in force, and whom a collector may speak for. A
 * no passes whatever its clock and links say, and whether or not the delegation that it names is over: nothing stands
 * between a subject and a no.
 *
 * Throws `consent/subject-mismatch`, `consent/delegation-missing` for a guardian or agent whose key no event of the subject
 * names; and for what widens also `consent/clock-ahead`, `consent/already-expired`, `consent/key-retired`,
 * `consent/link-unknown` when it names events that are not in `state` (the signer should send those first), and
 * `consent/<why>` of `explainNoEffect` where some line would change nothing.
 */
export function admitConsent(
  signed: Pick<SignedConsent, 'id' | 'kid' | 'event'>,
  state: ConsentState,
  receivedAt: number,
): void {
  const { id, kid, event } = signed;
  const foreign =
    state.subject !== null && (state.subject !== event.subject || state.controller !== event.controller);
  if (foreign)
    throw new ConsentError('consent/subject-mismatch', 'the event is of another subject or controller');
  requireDelegate(event, kid, state);
  if (!CAREFUL.has(event.event.type)) return;
  requireKey(event, kid, state);
  requireTimes(event, receivedAt);
  const named = [...(event.prev === null ? [] : [event.prev]), ...(event.merges ?? [])];
  if (named.some((link) => !state.links.has(link)))
    throw new ConsentError('consent/link-unknown', 'the event names one that is not in the log');
  const why = explainNoEffect(state, { id, event, index: state.lastIndex + 1, receivedAt });
  if (why !== null) throw new ConsentError(`consent/${why}`, 'a line of the event would change nothing');
}

/** A yes needs the delegation that it names, still standing; a no any that ever named the key. */
function requireDelegate({ event, delegation }: ConsentEvent, kid: string, state: ConsentState): void {
  if (event.by !== 'guardian' && event.by !== 'agent') return;
  const isMine = ({ record }: Delegation): boolean => record.kid === kid && record.role === event.by;
  const named = CAREFUL.has(event.type)
    ? state.ended.has(delegation ?? '')
      ? []
      : (state.delegations.get(delegation ?? '') ?? [])
    : [...state.delegations.values()].flat();
  if (!named.some(isMine))
    throw new ConsentError('consent/delegation-missing', 'no event of the subject names this key');
}

/** A key hands over to another for itself only, and a key that is out of use says no more than no. */
function requireKey({ event, key }: ConsentEvent, kid: string, state: ConsentState): void {
  if (state.keys.get(kid) === 'retired')
    throw new ConsentError('consent/key-retired', 'the key was taken out of use');
  if (event.type === 'key_rotate' && key?.retired !== kid)
    throw new ConsentError('consent/signer-not-entitled', 'a key is retired by itself');
}

function requireTimes({ event, grants, delegate }: ConsentEvent, receivedAt: number): void {
  if (instantToMillis(event.at) > receivedAt + CLOCK_TOLERANCE_MILLIS)
    throw new ConsentError('consent/clock-ahead', 'the event is dated in the future');
  const ends = [...grants.map(({ validUntil }) => validUntil), delegate?.notAfter];
  if (ends.some((end) => end !== undefined && instantToMillis(end) <= receivedAt))
    throw new ConsentError('consent/already-expired', 'what it gives is over already');
}
