import * as v from 'valibot';

import type { Category, Operation } from './category.ts';
import { CATEGORIES, CategorySchema, OPERATIONS, OperationSchema } from './category.ts';
import { ConsentError } from './errors.ts';
import { instantToMillis } from './instant.ts';
import { requireRegime } from './regime.ts';

// The stored form of a consent is this event: canonical JSON (RFC 8785) inside a compact JWS. Field names follow the
// ISO/IEC TS 27560:2023 record; what that standard also wants (controller's address, how to withdraw, recipients'
// contacts) stands in the notice, which `notice.hash` pins. Later regimes add optional fields and event types; they
// change no byte of an event that exists. Every string is bounded, because the sender is not trusted.

export const CONSENT_EVENT_SCHEMA = 'urn:twinkeep:consent-event:1' as const;

export type ConsentEventType = 'grant' | 'refuse' | 'withdraw';
export type GrantState = 'given' | 'refused' | 'withdrawn';
export type ConsentType = 'expressed' | 'explicit';

/**
 * Who signed. `subject`: a device of the data subject. `collector`: a region node that states what a business's own
 * records say of an imported customer. `controller`: the coordinator, for a withdrawal by session or help desk.
 */
export type ConsentActor = 'subject' | 'collector' | 'controller';

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
  state: GrantState;
  consentType?: ConsentType;
  necessity: 'required' | 'optional';
  regions?: string[];
  /** Party ids. */
  recipients?: string[];
  storage?: ConsentStorage;
  /** Instant from which on the grant no longer counts. */
  validUntil?: string;
  privacyFloor?: PrivacyFloor;
}

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
    /** Of a `controller` event: the officer who acted, by an opaque id. */
    actor?: string;
  };
  collectedBy?: { kid: string; party: string };
  /** What a `collector` or `controller` event rests on: a file's hash, a column's name, a ticket. */
  evidence?: Array<{ kind: string; value: string }>;
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

const text = (maxLength: number): v.GenericSchema<string> =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(maxLength), v.regex(/^[^\p{Cc}\p{Cs}]+$/u));
const token = (pattern: RegExp): v.GenericSchema<string> =>
  v.pipe(v.string(), v.maxLength(256), v.regex(pattern));
const integer = (min: number, max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));
const list = <T>(item: v.GenericSchema<T>, max: number): v.GenericSchema<T[]> =>
  v.pipe(
    v.array(item),
    v.minLength(1),
    v.maxLength(max),
    v.check((items) => new Set(items).size === items.length),
  );

/** 16 bytes as base64url: the last of 22 characters carries two bits, so four spellings of it are possible. */
export const SubjectIdSchema: v.GenericSchema<string> = token(/^[A-Za-z0-9_-]{21}[AQgw]$/);
/** `sha-256:` and 32 bytes as base64url. */
export const HashSchema: v.GenericSchema<string> = token(/^sha-256:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
/** RFC 7638 thumbprint, SHA-256. */
export const KeyIdSchema: v.GenericSchema<string> = token(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
/** An absolute IRI in ASCII: purposes, sources, controllers, parties. */
export const IriSchema: v.GenericSchema<string> = token(/^[a-z][a-z0-9+.-]{0,31}:[!-~]+$/);

const InstantSchema = v.pipe(
  v.string(),
  v.maxLength(20),
  v.check((instant) => !Number.isNaN(instantToMillis(instant))),
);
const DurationSchema = token(
  /^P(?=\d|T\d)(?:\d{1,4}Y)?(?:\d{1,4}M)?(?:\d{1,4}W)?(?:\d{1,4}D)?(?:T(?=\d)(?:\d{1,4}H)?(?:\d{1,4}M)?)?$/,
);
const RegionSchema = token(/^(?:EU|[A-Z]{2}(?:-[A-Z0-9]{1,3})?)$/);
const NameSchema = token(/^[a-z0-9][a-z0-9+._-]{0,63}$/);

const NoticeSchema = v.strictObject({
  id: text(128),
  version: text(32),
  lang: token(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/),
  hash: HashSchema,
  renderedHash: v.exactOptional(HashSchema),
  uri: v.exactOptional(IriSchema),
});

const PrivacyFloorSchema = v.pipe(
  v.strictObject({
    dp: v.exactOptional(
      v.strictObject({
        epsMaxMicro: integer(1, 1_000_000_000),
        deltaMaxPico: integer(0, 1_000_000_000_000),
        unit: v.literal('user'),
      }),
    ),
    secAgg: v.exactOptional(v.strictObject({ minCohort: integer(1, 1_000_000_000) })),
  }),
  v.check((floor) => floor.dp !== undefined || floor.secAgg !== undefined),
);

const GrantSchema: v.GenericSchema<ConsentGrant> = v.strictObject({
  category: CategorySchema,
  pdIri: v.exactOptional(list(IriSchema, 8)),
  source: v.exactOptional(IriSchema),
  purpose: IriSchema,
  operations: list(OperationSchema, OPERATIONS.length),
  legalBasis: IriSchema,
  state: v.picklist(['given', 'refused', 'withdrawn']),
  consentType: v.exactOptional(v.picklist(['expressed', 'explicit'])),
  necessity: v.picklist(['required', 'optional']),
  regions: v.exactOptional(list(RegionSchema, 16)),
  recipients: v.exactOptional(list(IriSchema, 16)),
  storage: v.exactOptional(
    v.strictObject({ location: text(256), retention: DurationSchema, deletion: DurationSchema }),
  ),
  validUntil: v.exactOptional(InstantSchema),
  privacyFloor: v.exactOptional(PrivacyFloorSchema),
});

/** As many as four purposes with a grant per category. */
const MAX_GRANTS = 4 * CATEGORIES.length;

export const ConsentEventSchema: v.GenericSchema<ConsentEvent> = v.strictObject({
  schema: v.literal(CONSENT_EVENT_SCHEMA),
  recordId: token(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
  subject: SubjectIdSchema,
  controller: IriSchema,
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  prev: v.nullable(HashSchema),
  merges: v.exactOptional(list(HashSchema, 16)),
  jurisdiction: list(RegionSchema, 8),
  regime: token(/^[a-z][a-z0-9-]{0,47}@[1-9]\d{0,3}$/),
  notice: NoticeSchema,
  grants: v.pipe(v.array(GrantSchema), v.minLength(1), v.maxLength(MAX_GRANTS), v.check(nameEachCellOnce)),
  event: v.strictObject({
    type: v.picklist(['grant', 'refuse', 'withdraw']),
    at: InstantSchema,
    method: NameSchema,
    uiFlow: v.exactOptional(text(128)),
    by: v.picklist(['subject', 'collector', 'controller']),
    actor: v.exactOptional(text(128)),
  }),
  collectedBy: v.exactOptional(v.strictObject({ kid: KeyIdSchema, party: IriSchema })),
  evidence: v.exactOptional(
    v.pipe(v.array(v.strictObject({ kind: NameSchema, value: text(1024) })), v.minLength(1), v.maxLength(8)),
  ),
});

/**
 * Checks shape, bounds and the rules of the event's own regime. Throws `consent/event-invalid`, `consent/regime-unknown`
 * or `consent/regime-violated`. Says nothing of who signed: that is `verifyConsentEvent`.
 */
export function parseConsentEvent(value: unknown): ConsentEvent {
  const parsed = v.safeParse(ConsentEventSchema, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new ConsentError('consent/event-invalid', `${v.getDotPath(issue) ?? 'event'}: ${issue.type}`);
  }
  requireRegime(parsed.output);
  return parsed.output;
}

/** Two grants for one cell in one event could disagree, and nothing would say which one was shown. */
function nameEachCellOnce(grants: ConsentGrant[]): boolean {
  const cells = grants.flatMap(({ category, purpose, operations }) =>
    operations.map((operation) => `${category} ${operation} ${purpose}`),
  );
  return new Set(cells).size === cells.length;
}
