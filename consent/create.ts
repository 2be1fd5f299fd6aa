import type { Category, Operation } from './category.ts';
import { CATEGORY_IRIS, CONSENT_BASIS, THIRD_PARTY_SOURCE } from './category.ts';
import type {
  ConsentEvent,
  ConsentGrant,
  ConsentNotice,
  ConsentStorage,
  ConsentType,
  PrivacyFloor,
} from './event.ts';
import { CONSENT_EVENT_SCHEMA } from './event.ts';
import type { ConsentState } from './fold.ts';
import { millisToInstant } from './instant.ts';
import { DAY_MILLIS } from './regime.ts';
import { GDPR_OPTIN } from './regimes/gdpr.ts';
import { parseConsentEvent } from './schema.ts';

/** What a grant promises beyond saying yes. */
export interface GrantTerms {
  consentType: ConsentType;
  storage: ConsentStorage;
  /** Milliseconds; a regime's usual validity after `at` unless given. */
  validUntil?: number;
  privacyFloor?: PrivacyFloor;
  recipients?: string[];
  regions?: string[];
}

/** Who signs; see `ConsentActor`. */
export type ConsentProvenance =
  | { by: 'subject' }
  | {
      by: 'collector';
      collectedBy: { kid: string; party: string };
      evidence: Array<{ kind: string; value: string }>;
    }
  | { by: 'controller'; actor?: string; evidence: Array<{ kind: string; value: string }> };

interface ConsentChoice {
  recordId: string;
  subject: string;
  controller: string;
  seq: number;
  /** From `linkToHeads`. */
  links: ConsentLinks;
  jurisdiction: string[];
  notice: ConsentNotice;
  /** The categories that this event is about, each with what its absence means for the purpose. */
  categories: { required: readonly Category[]; optional: readonly Category[] };
  purpose: string;
  operations: readonly Operation[];
  /** Milliseconds by the signer's clock. */
  at: number;
  /** How the choice was made, e.g. `toggle+confirm`, `import`. */
  method: string;
  uiFlow?: string;
  provenance: ConsentProvenance;
}

export type ConsentInput = ConsentChoice &
  ({ type: 'grant'; terms: GrantTerms } | { type: 'refuse' | 'withdraw' });

export interface ConsentLinks {
  prev: string | null;
  merges?: string[];
}

const MAX_MERGES = 16;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_RANDOM_LENGTH = 10;

/** A complete event under `gdpr-optin@1`, ready to sign. Throws what `parseConsentEvent` throws. */
export function createConsentEvent(input: ConsentInput): ConsentEvent {
  const { recordId, subject, controller, seq, links, jurisdiction, notice, provenance } = input;
  const { by } = provenance;
  return parseConsentEvent({
    schema: CONSENT_EVENT_SCHEMA,
    recordId,
    subject,
    controller,
    seq,
    ...links,
    jurisdiction,
    regime: GDPR_OPTIN.id,
    notice,
    grants: [
      ...input.categories.required.map((category) => createGrant(input, category, 'required')),
      ...input.categories.optional.map((category) => createGrant(input, category, 'optional')),
    ],
    event: {
      type: input.type,
      at: millisToInstant(input.at),
      method: input.method,
      by,
      ...(input.uiFlow === undefined ? {} : { uiFlow: input.uiFlow }),
      ...(by === 'controller' && provenance.actor !== undefined ? { actor: provenance.actor } : {}),
    },
    ...(by === 'collector' ? { collectedBy: provenance.collectedBy } : {}),
    ...(by === 'subject' ? {} : { evidence: provenance.evidence }),
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

function createGrant(
  input: ConsentInput,
  category: Category,
  necessity: 'required' | 'optional',
): ConsentGrant {
  return {
    category,
    pdIri: [...CATEGORY_IRIS[category]],
    ...(category === 'third_party_enrichment' ? { source: THIRD_PARTY_SOURCE } : {}),
    purpose: input.purpose,
    operations: [...input.operations],
    legalBasis: CONSENT_BASIS,
    state: GDPR_OPTIN.transitions[input.type].to[0]!,
    necessity,
    ...(input.type === 'grant' ? termsToFields(input.terms, input.at) : {}),
  };
}

function termsToFields({ validUntil, ...fields }: GrantTerms, at: number): Partial<ConsentGrant> {
  const usual = at + GDPR_OPTIN.validityDays.usual * DAY_MILLIS;
  return { ...fields, validUntil: millisToInstant(validUntil ?? usual) };
}
