/**
 * What is checked of consent events before they are logged, over everything that one transaction logs: it reads what the tables say once for all
 * of them, then decides in memory, one submission after another, each seeing what the ones before it brought. A submission that is
 * refused leaves no trace and harms no other. The caller holds the lock of the log's head, so what was read here is still true when the events
 * are logged.
 */
import {
  admitConsent,
  applyConsent,
  isNoticeInForce,
  isYes,
  type ConsentEvent,
  type NoticeInForce,
  type SignedConsent,
} from '@twinkeep/consent';
import { ProblemError } from '@twinkeep/protocol';
import type { Settled } from '../gather.ts';
import { readLastSeqs, readParties, readReceipts, type EventReceipt } from '../store/consents.ts';
import { readNoticesInForce } from '../store/notices.ts';
import type { Tx } from '../store/schema.ts';
import type { Vault } from '../store/vault.ts';
import type { ConsentLedger, SubjectConsent } from './ledger.ts';
import { namingPlace, type SentEvents } from './speaker.ts';

/** An event that is yet to be made: it names everything that is in the log before it, so it is signed under the log's lock. */
export interface EventToMake {
  subject: string;
  /** Thumbprint of the key that will sign: the coordinator's own. */
  jkt: string;
  make(before: SubjectConsent, seq: number, at: number): Promise<SignedConsent>;
}

export type Submission = SentEvents | EventToMake;

export interface AdmittedEvent extends SignedConsent {
  jkt: string;
  /** Whom the subject is bound to, where this is the first event about them. */
  collector: string | null;
}

export interface Admission {
  /** Events that are not in the log yet, in the order in which they go there. */
  fresh: AdmittedEvent[];
  /** Keys that speak for a party for the first time. */
  parties: Map<string, string>;
  /** For each submission, the ids of its events; or why it was refused. */
  outcomes: Settled<string[]>[];
  /** Of events that stood in the log before. */
  receipts: Map<string, EventReceipt>;
}

interface Draft {
  consents: Map<string, SubjectConsent>;
  /** By key and subject. */
  lastSeqs: Map<string, number>;
  parties: Map<string, string>;
  erased: Set<string>;
  notices: NoticeInForce[];
  receipts: Map<string, EventReceipt>;
  fresh: Map<string, AdmittedEvent>;
  newParties: Map<string, string>;
}

export interface AdmitDeps {
  ledger: ConsentLedger;
  vault: Vault;
}

/** @throws nothing that one submission is to blame for: that is in its outcome */
export async function admitAll(
  tx: Tx,
  deps: AdmitDeps,
  submissions: readonly Submission[],
  now: number,
): Promise<Admission> {
  const draft = await readDraft(tx, deps, submissions);
  const outcomes: Settled<string[]>[] = [];
  for (const submission of submissions) {
    try {
      outcomes.push({ ok: true, value: await admitOne(draft, submission, now) });
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      outcomes.push({ ok: false, error });
    }
  }
  const { fresh, newParties: parties, receipts } = draft;
  return { fresh: [...fresh.values()], parties, outcomes, receipts };
}

async function readDraft(
  tx: Tx,
  { ledger, vault }: AdmitDeps,
  submissions: readonly Submission[],
): Promise<Draft> {
  const events = submissions.flatMap((submission) => ('make' in submission ? [] : submission.events));
  const pairs = submissions.flatMap((submission) =>
    subjectsOf(submission).map((subject) => ({ jkt: submission.jkt, subject })),
  );
  const subjects = [...new Set(pairs.map(({ subject }) => subject))];
  const collectors = submissions.flatMap((one) => ('make' in one || one.party === null ? [] : [one.jkt]));
  return {
    receipts: await readReceipts(
      tx,
      vault,
      events.map(({ id }) => id),
    ),
    consents: await ledger.read(tx, subjects),
    lastSeqs: new Map((await readLastSeqs(tx, pairs)).map((row) => [nameOf(row), row.seq])),
    parties: await readParties(tx, collectors),
    erased: await vault.erased(tx, subjects),
    notices: await readNoticesInForce(tx, [...new Set(events.map(({ event }) => event.notice.id))]),
    fresh: new Map(),
    newParties: new Map(),
  };
}

function subjectsOf(submission: Submission): string[] {
  return 'make' in submission
    ? [submission.subject]
    : [...new Set(submission.events.map(({ event }) => event.subject))];
}

const nameOf = ({ jkt, subject }: { jkt: string; subject: string }): string => `${jkt} ${subject}`;

/** What the submission changes is put beside the draft and joins it at the end, whole. */
async function admitOne(draft: Draft, submission: Submission, now: number): Promise<string[]> {
  const { jkt } = submission;
  const consents = new Map<string, SubjectConsent>();
  const lastSeqs = new Map<string, number>();
  const fresh = new Map<string, AdmittedEvent>();
  const party = 'make' in submission ? null : submission.party;
  if (party !== null && (draft.parties.get(jkt) ?? party) !== party)
    throw new ProblemError('consent/foreign', 'the key acts for another party');

  const seqOf = (subject: string): number =>
    lastSeqs.get(subject) ?? draft.lastSeqs.get(nameOf({ jkt, subject })) ?? 0;
  const before = (subject: string): SubjectConsent =>
    consents.get(subject) ?? (draft.consents.get(subject) as SubjectConsent);
  const signed =
    'make' in submission
      ? [await namingPlace(0, () => makeOne(draft, submission, seqOf(submission.subject) + 1, now))]
      : submission.events;

  for (const [place, { id, jws, kid, event }] of signed.entries()) {
    if (draft.receipts.has(id) || draft.fresh.has(id) || fresh.has(id)) continue;
    const { subject, seq } = event;
    const { state, collector } = before(subject);
    if (draft.erased.has(subject)) throw new ProblemError('consent/erased', `event ${place}`);
    const isNew = state.subject === null;
    const isCollected = event.event.by === 'collector';
    if (isCollected && !isNew && collector !== jkt)
      throw new ProblemError('consent/foreign', `event ${place}`);
    if (seq <= seqOf(subject))
      throw new ProblemError('consent/conflict', `event ${place}: its counter was used`);
    await namingPlace(place, () => admitConsent({ id, kid, event }, state, now));
    requireNotice(draft.notices, event, place);
    const bound = isNew && isCollected ? jkt : collector;
    // Where exactly it will stand matters to nobody here but the next event of the same subject, which comes after it.
    const index = state.lastIndex + 1;
    consents.set(subject, {
      collector: bound,
      state: applyConsent(state, { id, event, index, receivedAt: now }),
    });
    lastSeqs.set(subject, seq);
    fresh.set(id, { id, jws, kid, event, jkt, collector: bound });
  }

  for (const [subject, consent] of consents) draft.consents.set(subject, consent);
  for (const [subject, seq] of lastSeqs) draft.lastSeqs.set(nameOf({ jkt, subject }), seq);
  for (const [id, event] of fresh) draft.fresh.set(id, event);
  const isFirst = [...fresh.values()].some(({ event }) => event.event.by === 'collector');
  if (party !== null && isFirst && !draft.parties.has(jkt)) {
    draft.parties.set(jkt, party);
    draft.newParties.set(jkt, party);
  }
  return signed.map(({ id }) => id);
}

function makeOne(
  { consents, erased }: Draft,
  { subject, make }: EventToMake,
  seq: number,
  now: number,
): Promise<SignedConsent> {
  if (erased.has(subject)) throw new ProblemError('consent/erased');
  const before = consents.get(subject) as SubjectConsent;
  if (before.state.subject === null) throw new ProblemError('consent/unknown-subject');
  return make(before, seq, now);
}

/**
 * A yes is to the text that is in force. Where no version of a notice was published here, the coordinator cannot know which one is, and
 * takes what the event says: its hash is signed and logged all the same.
 */
function requireNotice(inForce: readonly NoticeInForce[], event: ConsentEvent, place: number): void {
  if (isYes(event) && !isNoticeInForce(event.notice, inForce))
    throw new ProblemError('consent/notice', `event ${place}`);
}
