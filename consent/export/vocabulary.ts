import type { Operation } from '../category.ts';
import type { ConsentActor, ConsentType, LineState } from '../event.ts';
import type { CellStatus } from '../regime.ts';

// Our words in those of the W3C Data Privacy Vocabulary 2.3. Where DPV has no term, the nearest that claims less.

/** Prefixes are given in full, so that a reader resolves nothing over the network. */
export const CONTEXT: Readonly<Record<string, string>> = {
  dct: 'http://purl.org/dc/terms/',
  dpv: 'https://w3id.org/dpv#',
  'eu-gdpr': 'https://w3id.org/dpv/legal/eu/gdpr#',
  ai: 'https://w3id.org/dpv/ai#',
  loc: 'https://w3id.org/dpv/loc#',
  schema: 'https://schema.org/',
  twin: 'urn:twinkeep:',
};

/** Profiles of `schema/dpv-27560.ttl`, for ISO/IEC TS 27560:2023 and for what the GDPR wants besides. */
export const PROFILES = {
  record: 'https://w3id.org/dpv/schema/dpv-27560#record',
  receipt: 'https://w3id.org/dpv/schema/dpv-27560#receipt',
  recordGdpr: 'https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr',
  receiptGdpr: 'https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr',
} as const;

export const OPERATION_IRIS: Readonly<Record<Operation, readonly string[]>> = {
  collect: ['dpv:Collect'],
  infer_local: ['dpv:Infer'],
  train_local: ['ai:ModelTraining'],
  contribute: ['ai:ModelTraining', 'dpv:Aggregate'],
  personalise: ['dpv:Profiling'],
  decide_significant: ['dpv:AutomatedDecisionMaking'],
  share: ['dpv:Share'],
  sell: ['dpv:Share'],
  activate_third_party: ['dpv:DiscloseByTransmission'],
  synthesise: ['dpv:Derive'],
};

/**
 * A notice that nobody opted out of is no consent, so nothing here says that it was given. Who objects has withdrawn, as far
 * as consent is concerned.
 */
export const STATUS_IRIS: Readonly<Record<CellStatus | LineState, string>> = {
  unknown: 'dpv:ConsentUnknown',
  noticed: 'dpv:ConsentUnknown',
  allowed: 'dpv:ConsentUnknown',
  unrestricted: 'dpv:ConsentUnknown',
  restricted: 'dpv:ConsentUnknown',
  requested: 'dpv:ConsentRequested',
  pending_guardian: 'dpv:ConsentRequested',
  deferred: 'dpv:ConsentRequestDeferred',
  given: 'dpv:ConsentGiven',
  renewed: 'dpv:RenewedConsentGiven',
  refused: 'dpv:ConsentRefused',
  denied_by_signal: 'dpv:ConsentRefused',
  withdrawn: 'dpv:ConsentWithdrawn',
  objected: 'dpv:ConsentWithdrawn',
  revoked: 'dpv:ConsentRevoked',
  invalidated: 'dpv:ConsentInvalidated',
  stale_notice: 'dpv:ConsentExpired',
  superseded: 'dpv:ConsentExpired',
  expired: 'dpv:ConsentExpired',
};

/** Never `dpv:ImpliedConsent`. */
export const CONSENT_TYPE_IRIS: Readonly<Record<ConsentType, string>> = {
  expressed: 'dpv:ExpressedConsent',
  explicit: 'dpv:ExplicitlyExpressedConsent',
};

export const ACTOR_IRIS: Readonly<Record<ConsentActor, string>> = {
  subject: 'dpv:DataSubject',
  guardian: 'dpv:GuardianOfDataSubject',
  agent: 'dpv:Representative',
  collector: 'dpv:DataProcessor',
  controller: 'dpv:DataController',
};

export interface PostalAddress {
  street: string;
  city: string;
  postalCode: string;
  /** ISO 3166-1. */
  country: string;
}

/** What the standards want of a party and a consent event leaves to the notice. */
export interface Party {
  /** IRI, as events name it. */
  id: string;
  name: string;
  address: PostalAddress;
  email: string;
  phone?: string;
  /** The kind of organisation. */
  type: string;
}

export interface ExportParties {
  controller: Party;
  recipients: readonly Party[];
  /** Of the product or app that the data is for. */
  service: string;
  /** IRI of the privacy policy. */
  policy: string;
  /** IRI of the place where consent is withdrawn. */
  withdrawal: string;
  /** Supervisory authority. */
  authority?: string;
}

/** IRIs of the rights that a record lists, GDPR Articles 7(3) and 15 to 22, and the complaint of 77. */
export const GDPR_RIGHTS: readonly string[] = [
  'eu-gdpr:A7-3',
  'eu-gdpr:A15',
  'eu-gdpr:A16',
  'eu-gdpr:A17',
  'eu-gdpr:A18',
  'eu-gdpr:A19',
  'eu-gdpr:A20',
  'eu-gdpr:A21',
  'eu-gdpr:A22',
  'eu-gdpr:A77',
];
