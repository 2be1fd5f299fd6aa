/**
 * Consents beyond their upload, on the wire: reading a history back, what officers of the controller say about a data subject, and the notices
 * that consents are given to.
 */
import {
  CategorySchema,
  HashSchema,
  IriSchema,
  MAX_CONSENT_JWS_CHARS,
  OperationSchema,
  SubjectIdSchema,
  type Category,
  type ConsentEvent,
  type ConsentEventType,
  type Operation,
} from '@twinkeep/consent';
import * as v from 'valibot';
import { consentReceiptSchema, type ConsentReceipt } from './api.ts';
import { statedSpeakerSchema, type StatedSpeaker } from './speakers.ts';

/** Events in one answer; and subjects that one question names. */
export const MAX_HISTORY_EVENTS = 64;
export const MAX_HISTORY_SUBJECTS = 64;
/** One for each event at most. */
const MAX_HISTORY_SPEAKERS = MAX_HISTORY_EVENTS;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = (maxLength: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(maxLength));

/**
 * Answer of GET `PATHS.consents`: events in the order of the log, whoever signed them, so that every device of a subject, a region node and a
 * guardian hold one history. `?after=<log index>`; `?subjects=<pseudonym>,...` for whom the asker speaks beside itself;
 * `?others=true` leaves out what the asking key signed.
 */
export interface ConsentHistory {
  events: ConsentHistoryEvent[];
  /** Keys that signed events about these subjects, with what vouches for them; the controller's own is everyone's to know. */
  speakers: StatedSpeaker[];
  /** To be asked for as `after`, at once, where there is more; null at the end. */
  next: number | null;
}

export interface ConsentHistoryEvent {
  /** As its signer sent it. */
  jws: string;
  /** Milliseconds, by the coordinator's clock. */
  receivedAt: number;
  receipt: ConsentReceipt;
}

export const consentHistorySchema: v.GenericSchema<ConsentHistory> = v.strictObject({
  events: v.pipe(
    v.array(
      v.strictObject({
        jws: v.pipe(v.string(), v.maxLength(MAX_CONSENT_JWS_CHARS)),
        receivedAt: count,
        receipt: consentReceiptSchema,
      }),
    ),
    v.maxLength(MAX_HISTORY_EVENTS),
  ),
  speakers: v.pipe(v.array(statedSpeakerSchema), v.maxLength(MAX_HISTORY_SPEAKERS)),
  next: v.nullable(count),
});

/**
 * Body of POST `PATHS.subjectConsents(subject)`, by a credential of scope `officer`: an officer's tool, or the host app's back end for a session.
 * The coordinator makes the event of it, signs it as the controller and logs it (200, ConsentReceipt). What takes two officers becomes
 * a proposal first (202, ConsentProposal).
 */
export interface OfficerRequest {
  /** Whatever a controller may sign. */
  type: ConsentEventType;
  /** What it is about; left out: every category, purpose and operation (of a signal: those that it speaks of). None for events of the subject as a whole. */
  cells?: { categories: Category[]; purpose: string; operations: Operation[] }[];
  /** Of a revocation: IRI of why. */
  reason?: string;
  /** What it rests on: a ticket, a session, a letter. Opaque ids, no names. */
  evidence: { kind: string; value: string }[];
  /** Whom the officer's tool acted for, e.g. a person at the help desk, by an opaque id. The credential says which officer it was. */
  actor?: string;
  /** Members of the event that go with its type; checked with the event. */
  members?: Partial<OfficerMembers>;
}

export type OfficerMembers = Pick<
  ConsentEvent,
  'delegate' | 'delegation' | 'supersedes' | 'key' | 'minor' | 'signal' | 'jurisdiction' | 'notice'
>;

const unchecked = <T>(): v.GenericSchema<T> => v.custom<T>((value) => value !== null);

export const officerRequestSchema: v.GenericSchema<OfficerRequest> = v.strictObject({
  type: text(32) as v.GenericSchema<ConsentEventType>,
  cells: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          categories: v.pipe(v.array(CategorySchema), v.minLength(1), v.maxLength(7)),
          purpose: IriSchema,
          operations: v.pipe(v.array(OperationSchema), v.minLength(1), v.maxLength(10)),
        }),
      ),
      v.minLength(1),
      v.maxLength(28),
    ),
  ),
  reason: v.exactOptional(IriSchema),
  evidence: v.pipe(
    v.array(v.strictObject({ kind: text(64), value: text(1_024) })),
    v.minLength(1),
    v.maxLength(6),
  ),
  actor: v.exactOptional(text(128)),
  members: v.exactOptional(
    v.strictObject({
      delegate: v.exactOptional(unchecked<NonNullable<OfficerMembers['delegate']>>()),
      delegation: v.exactOptional(text(32)),
      supersedes: v.exactOptional(unchecked<NonNullable<OfficerMembers['supersedes']>>()),
      key: v.exactOptional(unchecked<NonNullable<OfficerMembers['key']>>()),
      minor: v.exactOptional(unchecked<NonNullable<OfficerMembers['minor']>>()),
      signal: v.exactOptional(unchecked<NonNullable<OfficerMembers['signal']>>()),
      jurisdiction: v.exactOptional(v.pipe(v.array(text(8)), v.minLength(1), v.maxLength(8))),
      notice: v.exactOptional(unchecked<OfficerMembers['notice']>()),
    }),
  ),
});

/** What one officer asked for and a second one has to agree to; it lapses after a week. */
export interface ConsentProposal {
  id: string;
  subject: string;
  request: OfficerRequest;
  /** Pseudonym of the first officer's credential. */
  proposedBy: string;
  proposedAt: number;
}

const proposalSchema: v.GenericSchema<ConsentProposal> = v.strictObject({
  id: text(64),
  subject: SubjectIdSchema,
  request: officerRequestSchema,
  proposedBy: text(64),
  proposedAt: count,
});

/** Answer of GET `PATHS.proposals`. */
export const proposalsSchema: v.GenericSchema<{ proposals: ConsentProposal[] }> = v.strictObject({
  proposals: v.array(proposalSchema),
});

/**
 * Body of PUT `PATHS.notice(hash)` by an officer. The first version of a notice in a language is in force at once; another text, and how much it
 * changes, takes a second officer (PUT `PATHS.noticeApproval(hash)`). Once a notice is published, a yes to any other version of it is refused.
 */
export interface NoticePublication {
  id: string;
  version: string;
  /** BCP 47. */
  lang: string;
  text: string;
  /** Against the version in force. `material`: new purposes, recipients or categories; whoever agreed to the old text is asked again. */
  change: 'first' | 'minor' | 'material';
}

export const noticePublicationSchema: v.GenericSchema<NoticePublication> = v.strictObject({
  id: text(128),
  version: text(32),
  lang: v.pipe(v.string(), v.regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/)),
  text: text(262_144),
  change: v.picklist(['first', 'minor', 'material']),
});

/** Answer of GET `PATHS.notice(hash)`, and of PUT. */
export interface PublishedNotice extends NoticePublication {
  hash: string;
  /** `proposed`: waits for a second officer. `past`: a later version is in force. */
  state: 'proposed' | 'in-force' | 'past';
}

export const publishedNoticeSchema: v.GenericSchema<PublishedNotice> = v.strictObject({
  id: text(128),
  version: text(32),
  lang: text(35),
  text: text(262_144),
  change: v.picklist(['first', 'minor', 'material']),
  hash: HashSchema,
  state: v.picklist(['proposed', 'in-force', 'past']),
});
