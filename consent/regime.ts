import type { Category } from './category.ts';
import { CONSENT_BASIS } from './category.ts';
import { ConsentError } from './errors.ts';
import type { ConsentActor, ConsentEvent, ConsentEventType, ConsentGrant, GrantState } from './event.ts';
import { instantToMillis } from './instant.ts';

// A regime is what one law makes of consent, as data. The functions below read the table and know no law, so that a
// further regime is a further row. An event names its regime and version for good: a rule that changes gets a new version.

/** `expired` is never stored: it is a `given` whose time is over when somebody reads it. */
export type CellStatus = 'unknown' | GrantState | 'expired';

export interface Transition {
  /** The state that every grant of such an event must declare. An event of any type may follow any state. */
  to: GrantState;
  signers: readonly ConsentActor[];
  required: readonly (keyof ConsentGrant)[];
  /** Days, from receipt, in which the subject is not asked again. */
  coolDownDays: number;
}

export interface Regime {
  /** Preset and version, as events name it. */
  id: string;
  /** Status of a cell that no event has named. */
  unasked: CellStatus;
  transitions: Readonly<Record<ConsentEventType, Transition>>;
  requiredFor: Readonly<Partial<Record<Category, readonly (keyof ConsentGrant)[]>>>;
  legalBases: readonly string[];
  validityDays: { usual: number; longest: number };
}

/**
 * Opt-in consent under GDPR Articles 4(11), 6(1)(a) and 7. The Regulation sets no numbers of days: a year of validity
 * follows the supervisory authorities' advice to refresh consent, half a year without asking again is the proposed
 * Article 88a (COM(2025) 837). Article 14 is why third-party data must name its source.
 */
export const GDPR_OPTIN: Regime = {
  id: 'gdpr-optin@1',
  unasked: 'unknown',
  transitions: {
    grant: {
      to: 'given',
      signers: ['subject', 'collector'],
      required: ['consentType', 'storage', 'validUntil'],
      coolDownDays: 0,
    },
    refuse: { to: 'refused', signers: ['subject', 'collector'], required: [], coolDownDays: 180 },
    // Article 7(3): as easy to withdraw as to give. So a session or the help desk will do, and no device key is needed.
    withdraw: {
      to: 'withdrawn',
      signers: ['subject', 'collector', 'controller'],
      required: [],
      coolDownDays: 180,
    },
  },
  requiredFor: { third_party_enrichment: ['source'] },
  legalBases: [CONSENT_BASIS],
  validityDays: { usual: 365, longest: 730 },
};

export const DAY_MILLIS: number = 24 * 60 * 60 * 1000;

const REGIMES: ReadonlyMap<string, Regime> = new Map([[GDPR_OPTIN.id, GDPR_OPTIN]]);

/** Throws `consent/regime-unknown`: an event under rules that this version cannot read must not be guessed at. */
export function findRegime(id: string): Regime {
  const regime = REGIMES.get(id);
  if (regime === undefined)
    throw new ConsentError('consent/regime-unknown', 'the event names a regime unknown to this version');
  return regime;
}

/** Throws `consent/regime-unknown` or `consent/regime-violated` where an event breaks the rules it was made under. */
export function requireRegime(consent: ConsentEvent): void {
  const regime = findRegime(consent.regime);
  const transition = regime.transitions[consent.event.type];
  if (!transition.signers.includes(consent.event.by))
    throw violation(`a ${consent.event.by} may not ${consent.event.type}`);
  requireProvenance(consent);
  for (const grant of consent.grants) {
    if (grant.state !== transition.to)
      throw violation(`a ${consent.event.type} makes no grant ${grant.state}`);
    if (!regime.legalBases.includes(grant.legalBasis))
      throw violation('the legal basis is not one of the regime');
    if (consent.event.type === 'grant') requireTerms(consent, grant, transition, regime);
  }
}

/** Whoever signs for somebody else says so, names itself and says what it rests on; a subject's own event cannot. */
function requireProvenance({ event, collectedBy, evidence }: ConsentEvent): void {
  if ((event.by === 'collector') !== (collectedBy !== undefined))
    throw violation('collectedBy belongs to collector events');
  if (event.by !== 'controller' && event.actor !== undefined)
    throw violation('actor belongs to controller events');
  if (event.by !== 'subject' && evidence === undefined)
    throw violation(`a ${event.by} event must name its evidence`);
}

function requireTerms(
  consent: ConsentEvent,
  grant: ConsentGrant,
  transition: Transition,
  regime: Regime,
): void {
  for (const field of [...transition.required, ...(regime.requiredFor[grant.category] ?? [])]) {
    if (grant[field] === undefined) throw violation(`a grant of ${grant.category} must carry ${field}`);
  }
  if (grant.validUntil === undefined) return;
  const validity = instantToMillis(grant.validUntil) - instantToMillis(consent.event.at);
  if (validity <= 0) throw violation('the grant ends before it begins');
  if (validity > regime.validityDays.longest * DAY_MILLIS)
    throw violation('the grant outlasts what the regime allows');
}

function violation(message: string): ConsentError {
  return new ConsentError('consent/regime-violated', message);
}
