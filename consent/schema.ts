import * as v from 'valibot';

import { CATEGORIES, CategorySchema, OPERATIONS, OperationSchema } from './category.ts';
import { ConsentError } from './errors.ts';
import type { ConsentEvent, ConsentGrant, DelegationRecord } from './event.ts';
import {
  AGE_BANDS,
  ANY_PURPOSE,
  AUTHORISATION_STATEMENTS,
  CELL_EVENTS,
  CONSENT_ACTORS,
  CONSENT_EVENT_SCHEMA,
  GLBA_EXCEPTIONS,
  LINE_STATES,
  SUBJECT_EVENTS,
} from './event.ts';
import { instantToMillis } from './instant.ts';
import { requireRegime } from './require.ts';

// The form of an event, member by member. Every string and list is bounded, because the sender is not trusted; nothing
// unknown is accepted, so that one event means the same to every version that reads it.

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

const UlidSchema = token(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
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
  state: v.picklist(LINE_STATES),
  consentType: v.exactOptional(v.picklist(['expressed', 'explicit'])),
  necessity: v.picklist(['required', 'optional']),
  regions: v.exactOptional(list(RegionSchema, 16)),
  recipients: v.exactOptional(list(IriSchema, 16)),
  storage: v.exactOptional(
    v.strictObject({ location: text(256), retention: DurationSchema, deletion: DurationSchema }),
  ),
  validUntil: v.exactOptional(InstantSchema),
  privacyFloor: v.exactOptional(PrivacyFloorSchema),
  expiryEvent: v.exactOptional(text(256)),
  disclosers: v.exactOptional(list(IriSchema, 16)),
  statements: v.exactOptional(list(v.picklist(AUTHORISATION_STATEMENTS), AUTHORISATION_STATEMENTS.length)),
  exception: v.exactOptional(v.picklist(GLBA_EXCEPTIONS)),
  humanReview: v.exactOptional(IriSchema),
});

const DelegationSchema: v.GenericSchema<DelegationRecord> = v.strictObject({
  id: UlidSchema,
  role: v.picklist(['guardian', 'agent']),
  kid: KeyIdSchema,
  categories: list(CategorySchema, CATEGORIES.length),
  purposes: list(IriSchema, 16),
  operations: list(OperationSchema, OPERATIONS.length),
  notAfter: InstantSchema,
});

/** As many as four purposes with a grant per category. */
const MAX_GRANTS = 4 * CATEGORIES.length;

export const ConsentEventSchema: v.GenericSchema<ConsentEvent> = v.strictObject({
  schema: v.literal(CONSENT_EVENT_SCHEMA),
  recordId: UlidSchema,
  subject: SubjectIdSchema,
  controller: IriSchema,
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  prev: v.nullable(HashSchema),
  merges: v.exactOptional(list(HashSchema, 16)),
  jurisdiction: list(RegionSchema, 8),
  regime: token(/^[a-z][a-z0-9-]{0,47}@[1-9]\d{0,3}$/),
  notice: NoticeSchema,
  grants: v.pipe(v.array(GrantSchema), v.maxLength(MAX_GRANTS), v.check(nameEachCellOnce)),
  event: v.strictObject({
    type: v.picklist([...CELL_EVENTS, ...SUBJECT_EVENTS]),
    at: InstantSchema,
    method: NameSchema,
    uiFlow: v.exactOptional(text(128)),
    by: v.picklist(CONSENT_ACTORS),
    actor: v.exactOptional(text(128)),
    approver: v.exactOptional(text(128)),
    reason: v.exactOptional(IriSchema),
    authority: v.exactOptional(text(256)),
  }),
  collectedBy: v.exactOptional(v.strictObject({ kid: KeyIdSchema, party: IriSchema })),
  evidence: v.exactOptional(
    v.pipe(v.array(v.strictObject({ kind: NameSchema, value: text(1024) })), v.minLength(1), v.maxLength(8)),
  ),
  delegate: v.exactOptional(DelegationSchema),
  delegation: v.exactOptional(UlidSchema),
  supersedes: v.exactOptional(v.strictObject({ record: UlidSchema, by: UlidSchema })),
  key: v.exactOptional(v.strictObject({ retired: v.nullable(KeyIdSchema), added: KeyIdSchema })),
  signal: v.exactOptional(
    v.strictObject({ kind: v.literal('gpc'), value: text(64), profiling: v.boolean() }),
  ),
  minor: v.exactOptional(v.strictObject({ age: v.picklist(AGE_BANDS) })),
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

/** Two lines for one cell in one event could disagree, and nothing would say which one was shown. */
function nameEachCellOnce(grants: ConsentGrant[]): boolean {
  const cells = grants.flatMap(({ category, purpose, operations }) =>
    operations.map((operation) => ({ among: `${category} ${operation}`, purpose })),
  );
  const all = cells.filter(({ purpose }) => purpose === ANY_PURPOSE).map(({ among }) => among);
  const twice = cells.some(({ among, purpose }) => purpose !== ANY_PURPOSE && all.includes(among));
  return !twice && new Set(cells.map(({ among, purpose }) => `${among} ${purpose}`)).size === cells.length;
}
