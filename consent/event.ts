import type { Category, Operation } from './category.ts';

// The stored form of a consent is this event: canonical JSON (RFC 8785) inside a compact JWS. Field names follow the
// ISO/IEC TS 27560:2023 record; what that standard also wants (controller's address, how to withdraw, recipients'
// contacts) stands in the notice, which `notice.hash` pins. `schema.ts` bounds every member; which of them an event must have
// is its regime's to say.

export const CONSENT_EVENT_SCHEMA = 'urn:twinkeep:consent-event:1' as const;

/** Events of cells: each of their lines names categories, a purpose and operations. */
export const CELL_EVENTS = [
  'request',
  'defer',
  'grant',
  'renew',
  'refuse',
  'withdraw',
  'object',
  'signal',
  'restrict',
  'unrestrict',
  'revoke',
  'invalidate',
  'notify',
  'notice_bump',
  'minor_detected',
  'age_of_majority',
] as const;

/** Events of the subject as a whole: who may speak, with which keys, and which record is closed. They have no lines. */
export const SUBJECT_EVENTS = ['supersede', 'delegate', 'undelegate', 'key_rotate', 'recover'] as const;

export type CellEventType = (typeof CELL_EVENTS)[number];
export type SubjectEventType = (typeof SUBJECT_EVENTS)[number];
export type ConsentEventType = CellEventType | SubjectEventType;

/** What a line of an event declares its cells to be after it. */
export const LINE_STATES = [
  'requested',
  'deferred',
  'given',
  'renewed',
  'refused',
  'withdrawn',
  'objected',
  'denied_by_signal',
  'restricted',
  'unrestricted',
  'revoked',
  'invalidated',
  'stale_notice',
  'pending_guardian',
  'noticed',
  'allowed',
] as const;

export type LineState = (typeof LINE_STATES)[number];
export type ConsentType = 'expressed' | 'explicit';

/**
 * Who signed. `subject`: a device of the data subject. `guardian`, `agent`: a key that a `delegate` event of this subject
 * names. `collector`: a region node that states what a business's own records say of an imported customer. `controller`:
 * the coordinator, for a session, the help desk or an officer.
 */
export const CONSENT_ACTORS = ['subject', 'guardian', 'agent', 'collector', 'controller'] as const;
export type ConsentActor = (typeof CONSENT_ACTORS)[number];

/** Stands for every purpose, named or not. Only in lines that narrow. */
export const ANY_PURPOSE = 'urn:twinkeep:purpose:any' as const;

export interface ConsentNotice {
  id: string;
  version: string;
  /** BCP 47. */
  lang: string;
  /** `sha-256:<base64url>` of the notice text. */
  hash: string;
  /** The same of what was put on the screen, where it differs from the text. */
  renderedHash?: string;
  uri?: string;
}

/** The subject consents only if a round is at least this private. Scaled integers, since signed payloads hold no fractions. */
export interface PrivacyFloor {
  /** Largest epsilon in millionths and largest delta in units of 1e-12, per user. */
  dp?: { epsMaxMicro: number; deltaMaxPico: number; unit: 'user' };
  /** Smallest number of twins whose sum may be opened. */
  secAgg?: { minCohort: number };
}

export interface ConsentStorage {
  /** `device`, or the party id of the region node that keeps the twin. */
  location: string;
  /** ISO 8601 durations: how long it is kept, and within what time after that it is gone. */
  retention: string;
  deletion: string;
}

export interface ConsentGrant {
  category: Category;
  pdIri?: string[];
  /** IRI of where the data comes from. */
  source?: string;
  /** IRI, see `PURPOSES`. */
  purpose: string;
  operations: Operation[];
  /** IRI, see `CONSENT_BASIS`. */
  legalBasis: string;
  state: LineState;
  consentType?: ConsentType;
  necessity: 'required' | 'optional';
  regions?: string[];
  /** Party ids. */
  recipients?: string[];
  storage?: ConsentStorage;
  /** Instant from which on the grant no longer counts. */
  validUntil?: string;
  privacyFloor?: PrivacyFloor;
  /** HIPAA: the event that ends the authorisation where no date does, who may disclose, and the statements that were made. */
  expiryEvent?: string;
  disclosers?: string[];
  statements?: AuthorisationStatement[];
  /** GLBA: the section of 12 CFR 1016 under which no opt-out period applies. */
  exception?: GlbaException;
  /** GDPR Article 22(3): where a person can have a significant decision reviewed. */
  humanReview?: string;
}

/** 45 CFR 164.508(c)(2). */
export const AUTHORISATION_STATEMENTS = ['right-to-revoke', 'conditioning', 'redisclosure'] as const;
export type AuthorisationStatement = (typeof AUTHORISATION_STATEMENTS)[number];

/** 12 CFR 1016: service providers and joint marketing, processing and servicing, fraud and legal duties. */
export const GLBA_EXCEPTIONS = ['1016.13', '1016.14', '1016.15'] as const;
export type GlbaException = (typeof GLBA_EXCEPTIONS)[number];

/** Whoever names another's key: `agent` signed by the subject, `guardian` by the controller, who checked the papers. */
export interface DelegationRecord {
  /** ULID. */
  id: string;
  role: 'guardian' | 'agent';
  /** Thumbprint of the delegate's key. */
  kid: string;
  categories: Category[];
  /** `ANY_PURPOSE` for all. */
  purposes: string[];
  operations: Operation[];
  /** Instant from which on the delegate's yes no longer counts; a no always does. */
  notAfter: string;
}

/** Coarse on purpose: laws ask for no more, and a date of birth is more than a log should know. */
export const AGE_BANDS = ['under-13', '13-15', '16-17'] as const;
export type AgeBand = (typeof AGE_BANDS)[number];

export interface ConsentEvent {
  schema: typeof CONSENT_EVENT_SCHEMA;
  /** ULID; one record is a grant and what later happens to it. The id of an event is the hash of its JWS. */
  recordId: string;
  /** Opaque pairwise pseudonym, 16 random bytes as base64url: never an e-mail address or a customer number. */
  subject: string;
  controller: string;
  /** Counter per subject and signing key, from 1. */
  seq: number;
  /** Id of the newest event of this subject that the signer had seen, or null. */
  prev: string | null;
  /**
   * Ids of further events seen that `prev` does not reach. One link cannot name two concurrent withdrawals, and a
   * grant lifts only those that it names.
   */
  merges?: string[];
  /** `EU`, ISO 3166-1 or ISO 3166-2. */
  jurisdiction: string[];
  /** Id of the preset whose rules this event was made under, e.g. `gdpr-optin@1`. */
  regime: string;
  notice: ConsentNotice;
  grants: ConsentGrant[];
  event: {
    type: ConsentEventType;
    /** By the signer's clock: shown to people, never used to order events. */
    at: string;
    method: string;
    uiFlow?: string;
    by: ConsentActor;
    /** Of a `controller` event: the officer who acted, and the second one where two are needed, by opaque ids. */
    actor?: string;
    approver?: string;
    /** Of a revocation: IRI of why, from the DPV `justifications`. */
    reason?: string;
    /** Of a guardian under HIPAA: what makes them the personal representative. */
    authority?: string;
  };
  collectedBy?: { kid: string; party: string };
  /** What a `collector` or `controller` event rests on: a file's hash, a column's name, a ticket. */
  evidence?: Array<{ kind: string; value: string }>;
  /** Of a `delegate` event: who may speak from now on, and for what. */
  delegate?: DelegationRecord;
  /** Id of the delegation that a guardian or agent acts under, or that an `undelegate` ends. */
  delegation?: string;
  /** Of a `supersede` event: the record that is closed, and the one that takes its place. */
  supersedes?: { record: string; by: string };
  /** Of `key_rotate` and `recover`: the key that no longer speaks for the subject, if any, and the one that does. */
  key?: { retired: string | null; added: string };
  /** Of a `signal`: which one, as received; `profiling` where the controller takes it for an objection to profiling too. */
  signal?: { kind: 'gpc'; value: string; profiling: boolean };
  /** Of a `minor_detected` event. */
  minor?: { age: AgeBand };
}

/** An event whose signature was verified and that stands in the log. */
export interface LoggedConsent {
  /** `sha-256:<base64url>` of the compact JWS. */
  id: string;
  event: ConsentEvent;
  /** Its leaf in the audit log: the order that counts. */
  index: number;
  /** Milliseconds, by the coordinator's clock. */
  receivedAt: number;
}
