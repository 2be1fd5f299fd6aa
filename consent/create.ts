import type { Category, Operation } from './category.ts';
import { CATEGORY_IRIS, THIRD_PARTY_SOURCE } from './category.ts';
import type {
  CellEventType,
  ConsentEvent,
  ConsentGrant,
  ConsentNotice,
  ConsentStorage,
  ConsentType,
  LineState,
  SubjectEventType,
} from './event.ts';
import { CONSENT_EVENT_SCHEMA } from './event.ts';
import { millisToInstant } from './instant.ts';
import type { Regime } from './regime.ts';
import { DAY_MILLIS } from './regime.ts';
import type { Sector } from './regimes/resolve.ts';
import { resolveRegime } from './regimes/resolve.ts';
import { minorState } from './require.ts';
import { parseConsentEvent } from './schema.ts';
import type { ConsentState } from './state.ts';

/** What a line says beyond its cells; the event's regime says which members a grant must have. */
export type LineTerms = Partial<
  Pick<
    ConsentGrant,
    | 'privacyFloor'
    | 'recipients'
    | 'regions'
    | 'expiryEvent'
    | 'disclosers'
    | 'statements'
    | 'exception'
    | 'humanReview'
  >
>;

/** What a grant promises beyond saying yes. */
export interface GrantTerms extends LineTerms {
  consentType: ConsentType;
  storage: ConsentStorage;
  /** Milliseconds; a regime's usual validity after `at` unless given, or unless an event ends the grant. */
  validUntil?: number;
}

type Evidence = NonNullable<ConsentEvent['evidence']>;

/** Who signs; see `ConsentActor`. */
export type ConsentProvenance =
  | { by: 'subject' }
  | { by: 'guardian' | 'agent'; delegation: string; authority?: string }
  | { by: 'collector'; collectedBy: { kid: string; party: string }; evidence: Evidence }
  | { by: 'controller'; actor?: string; approver?: string; evidence: Evidence };

/** What every event says. */
interface EventBase {
  recordId: string;
  subject: string;
  controller: string;
  seq: number;
  /** From `linkToHeads`. */
  links: ConsentLinks;
  jurisdiction: string[];
  notice: ConsentNotice;
  /** Milliseconds by the signer's clock. */
  at: number;
  /** How the choice was made, e.g. `toggle+confirm`, `import`. */
  method: string;
  uiFlow?: string;
  provenance: ConsentProvenance;
}

interface ConsentChoice extends EventBase {
  /** Of the use; `general` unless given. With `jurisdiction` and the categories it says which regime the event is made under. */
  sector?: Sector;
  /** The categories that this event is about, each with what its absence means for the purpose. */
  categories: CategoryChoice;
  /** `ANY_PURPOSE` only where the event narrows. */
  purpose: string;
  operations: readonly Operation[];
}

export interface CategoryChoice {
  required: readonly Category[];
  optional: readonly Category[];
}

export type ConsentInput = ConsentChoice &
  (
    | { type: 'grant' | 'renew'; terms: GrantTerms }
    | { type: 'notify'; terms?: LineTerms & { storage?: ConsentStorage } }
    | { type: 'signal'; signal: NonNullable<ConsentEvent['signal']> }
    | { type: 'minor_detected'; minor: NonNullable<ConsentEvent['minor']> }
    | { type: 'revoke'; reason: string }
    | { type: Exclude<CellEventType, 'grant' | 'renew' | 'notify' | 'signal' | 'minor_detected' | 'revoke'> }
  );

export type SubjectInput = EventBase & { type: SubjectEventType } & Pick<
    ConsentEvent,
    'delegate' | 'delegation' | 'supersedes' | 'key'
  >;

export interface ConsentLinks {
  prev: string | null;
  merges?: string[];
}

const MAX_MERGES = 16;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_RANDOM_LENGTH = 10;

/**
 * A complete event, ready to sign. Throws what `parseConsentEvent` throws: a yes whose categories are under different
 * regimes, which `splitByRegime` takes apart, breaks the rules of one of them.
 */
export function createConsentEvent(input: ConsentInput): ConsentEvent {
  const { required, optional } = input.categories;
  const first = required[0] ?? optional[0] ?? 'behavioral';
  const regime = resolveRegime(input.jurisdiction, first, input.sector ?? 'general');
  const lines = [
    ...required.map((category) => createLine(input, regime, category, 'required')),
    ...optional.map((category) => createLine(input, regime, category, 'optional')),
  ];
  return parseConsentEvent({
    ...eventBase(input, regime, input.type === 'revoke' ? { reason: input.reason } : {}),
    grants: lines,
    ...('signal' in input ? { signal: input.signal } : {}),
    ...('minor' in input ? { minor: input.minor } : {}),
  });
}

/** The same for what is about the subject as a whole. */
export function createSubjectEvent(input: SubjectInput): ConsentEvent {
  const regime = resolveRegime(input.jurisdiction, 'behavioral', 'general');
  const { delegate, delegation, supersedes, key } = input;
  return parseConsentEvent({
    ...eventBase(input, regime, {}),
    grants: [],
    ...(delegate === undefined ? {} : { delegate }),
    ...(delegation === undefined ? {} : { delegation }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(key === undefined ? {} : { key }),
  });
}

export interface RegimePart {
  regime: Regime;
  categories: CategoryChoice;
}

/** One part for each event that a yes takes: one regime, and where the regime knows no compound consent, one necessity. */
export function splitByRegime(
  jurisdiction: readonly string[],
  { required, optional }: CategoryChoice,
  sector: Sector,
): RegimePart[] {
  const named = [
    ...required.map((category) => ({ category, necessity: 'required' as const })),
    ...optional.map((category) => ({ category, necessity: 'optional' as const })),
  ].map((choice) => ({ ...choice, regime: resolveRegime(jurisdiction, choice.category, sector) }));
  const keyOf = ({ regime, necessity, category }: (typeof named)[number]): string =>
    regime.compound ? regime.id : [regime.id, necessity, category === 'psychographic'].join();
  return [...new Set(named.map(keyOf))].map((key) => {
    const part = named.filter((choice) => keyOf(choice) === key);
    const among = (necessity: 'required' | 'optional'): Category[] =>
      part.filter((choice) => choice.necessity === necessity).map(({ category }) => category);
    return {
      regime: part[0]!.regime,
      categories: { required: among('required'), optional: among('optional') },
    };
  });
}

/**
 * Names every head of what the signer has seen, the newest as `prev`. More than 17 heads cannot be named at once; an
 * event that names 17 leaves fewer, so that a second one names the rest.
 */
export function linkToHeads({ heads }: ConsentState): ConsentLinks {
  const prev = heads.at(-1) ?? null;
  const merges = heads.slice(0, -1).slice(-MAX_MERGES);
  return merges.length === 0 ? { prev } : { prev, merges };
}

/** A ULID from milliseconds and 10 random bytes, which are all that makes it unique. */
export function createRecordId(at: number, random: Uint8Array): string {
  if (random.length !== ULID_RANDOM_LENGTH) throw new RangeError('a ULID takes 10 random bytes');
  const bits = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), BigInt(Math.floor(at)));
  return Array.from({ length: 26 }, (_, i) => CROCKFORD[Number((bits >> BigInt(5 * (25 - i))) & 31n)]).join(
    '',
  );
}

function eventBase(
  input: EventBase & { type: ConsentEvent['event']['type'] },
  regime: Regime,
  extra: { reason?: string },
): Omit<ConsentEvent, 'grants'> {
  const { recordId, subject, controller, seq, links, jurisdiction, notice, provenance } = input;
  const { by } = provenance;
  return {
    schema: CONSENT_EVENT_SCHEMA,
    recordId,
    subject,
    controller,
    seq,
    ...links,
    jurisdiction,
    regime: regime.id,
    notice,
    event: {
      type: input.type,
      at: millisToInstant(input.at),
      method: input.method,
      by,
      ...(input.uiFlow === undefined ? {} : { uiFlow: input.uiFlow }),
      ...(by === 'controller' && provenance.actor !== undefined ? { actor: provenance.actor } : {}),
      ...(by === 'controller' && provenance.approver !== undefined ? { approver: provenance.approver } : {}),
      ...('authority' in provenance && provenance.authority !== undefined
        ? { authority: provenance.authority }
        : {}),
      ...extra,
    },
    ...('delegation' in provenance ? { delegation: provenance.delegation } : {}),
    ...(by === 'collector' ? { collectedBy: provenance.collectedBy } : {}),
    ...('evidence' in provenance ? { evidence: provenance.evidence } : {}),
  };
}

function createLine(
  input: ConsentInput,
  regime: Regime,
  category: Category,
  necessity: 'required' | 'optional',
): ConsentGrant {
  return {
    category,
    pdIri: [...CATEGORY_IRIS[category]],
    ...(category === 'third_party_enrichment' ? { source: THIRD_PARTY_SOURCE } : {}),
    purpose: input.purpose,
    operations: [...input.operations],
    legalBasis: regime.legalBases[0]!,
    state: stateAfter(input, regime),
    necessity,
    ...termsOf(input, regime),
  };
}

function stateAfter(input: ConsentInput, regime: Regime): LineState {
  if (input.type === 'minor_detected') return minorState(regime, input.jurisdiction, input.minor.age);
  return regime.transitions[input.type].to[0]!;
}

function termsOf(input: ConsentInput, { validityDays }: Regime): Partial<ConsentGrant> {
  if (input.type === 'notify') return input.terms ?? {};
  if (input.type !== 'grant' && input.type !== 'renew') return {};
  const { validUntil, ...terms } = input.terms;
  if (validUntil === undefined && terms.expiryEvent !== undefined) return terms;
  const usual = input.at + validityDays.usual * DAY_MILLIS;
  return { ...terms, validUntil: millisToInstant(validUntil ?? usual) };
}
