/**
 * Consent events of the pack: signed by keys that may speak, in the log at their places, and each admitted after those before it as the coordinator
 * must have admitted it. A grant names what its signer had seen, so an event that is kept back from the middle of a history is missed;
 * one kept back from its end is not, except by whoever holds its receipt.
 */
import {
  admitConsent,
  applyConsent,
  ConsentError,
  NO_CONSENT,
  verifyConsentEvent,
  type ConsentState,
  type LoggedConsent,
} from '@twinkeep/consent';
import { createKeyring, type Keyring, type Speaker, type Trust } from '@twinkeep/protocol';
import type { LoggedEntry, VerifiedLog } from './log.ts';
import { placeOf } from './statements.ts';
import type { Checklist } from './verdict.ts';

export interface History {
  /** In log order. `receivedAt` is the minute of the leaf. */
  events: (LoggedConsent & { kid: string })[];
  /** Thumbprint of the collector that spoke first, null where the subject's own devices did. */
  collector: string | null;
}

/** By subject. */
export type Histories = Map<string, History>;

export async function verifyConsents(
  log: VerifiedLog,
  speakers: ReadonlyMap<string, Speaker>,
  trust: Trust,
  checks: Checklist,
): Promise<Histories> {
  const keyFor = createKeyring(speakers, trust);
  const histories: Histories = new Map();
  const states = new Map<string, ConsentState>();
  for (const entry of log.entries.values()) {
    if (entry.envelope.type !== 'consent') continue;
    const verified = await verifyEvent(entry, keyFor, checks);
    if (verified === null) continue;
    const { subject } = verified.event;
    const history = histories.get(subject) ?? { events: [], collector: null };
    histories.set(subject, history);
    requireFirstCollector(history, verified, entry, checks);
    const state = followOn(states.get(subject) ?? NO_CONSENT, verified, entry, checks);
    if (state === null) continue;
    states.set(subject, state);
    history.events.push(verified);
  }
  for (const history of histories.values()) requireWholeCounters(history, checks);
  return histories;
}

async function verifyEvent(
  { body, index, envelope }: LoggedEntry,
  keyFor: Keyring,
  checks: Checklist,
): Promise<(LoggedConsent & { kid: string }) | null> {
  const where = placeOf({ index });
  try {
    if (typeof body !== 'string')
      throw new ConsentError('consent/jws-malformed', 'a consent entry holds a JWS');
    const holder = await keyFor(body);
    const { id, kid, event } = await verifyConsentEvent(body, (named) =>
      holder?.kid === named ? holder : undefined,
    );
    checks.pass('consents');
    return { id, kid, event, index, receivedAt: Date.parse(envelope.at) };
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    checks.fail('consents', where, error.message);
    return null;
  }
}

/** A collector speaks for whom it spoke for first; a person's own devices are never bound to one. */
function requireFirstCollector(
  history: History,
  { event, kid }: History['events'][number],
  entry: LoggedEntry,
  checks: Checklist,
): void {
  if (event.event.by !== 'collector') return;
  if (history.events.length === 0) history.collector = kid;
  else if (history.collector !== kid)
    checks.fail('consents', placeOf(entry), 'a collector speaks for somebody for whom another spoke first');
}

/** Null where the event cannot follow those before it: nothing may rest on it. */
function followOn(
  state: ConsentState,
  logged: History['events'][number],
  entry: LoggedEntry,
  checks: Checklist,
): ConsentState | null {
  try {
    admitWithinMinute(logged, state);
    checks.pass('histories');
    return applyConsent(state, logged);
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    const why =
      error.code === 'consent/link-unknown'
        ? 'it names an event of this customer that is not in the pack: one was kept back'
        : error.message;
    checks.fail('histories', placeOf(entry), why);
    return null;
  }
}

/** The leaf's time is rounded down to the minute: what was admitted at some moment of it is not refused. */
function admitWithinMinute(logged: History['events'][number], state: ConsentState): void {
  try {
    admitConsent(logged, state, logged.receivedAt);
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    admitConsent(logged, state, logged.receivedAt + 59_999);
  }
}

/** A signer counts its events: a number that is left out was never logged, or is kept back. */
function requireWholeCounters({ events }: History, checks: Checklist): void {
  const last = new Map<string, number>();
  for (const { kid, event, index } of events) {
    const before = last.get(kid) ?? 0;
    if (event.seq <= before) checks.fail('histories', placeOf({ index }), 'its counter was used before');
    else if (event.seq !== before + 1)
      checks.leaveOpen(
        'histories',
        placeOf({ index }),
        `its signer's counter jumps from ${before} to ${event.seq}`,
      );
    last.set(kid, event.seq);
  }
}
