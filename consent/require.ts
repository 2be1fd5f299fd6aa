import { ConsentError } from './errors.ts';
import type { AgeBand, CellEventType, ConsentEvent, ConsentEventType, ConsentGrant } from './event.ts';
import { ANY_PURPOSE, CELL_EVENTS } from './event.ts';
import { LOCAL_OPERATIONS } from './category.ts';
import { instantToMillis } from './instant.ts';
import type { Opening, Regime, Transition } from './regime.ts';
import { DAY_MILLIS } from './regime.ts';
import { SUBJECT_EVENT_RULES } from './regimes/subject-events.ts';
import { findRegime, resolveRegimes, SECTORS, serves, specificPlaces } from './regimes/resolve.ts';

// Whether an event is complete under the regime it names. Nothing here knows what happened before: whether it may follow
// is the fold's to say, whether it is taken in `admit.ts`'s.

/** Throws `consent/regime-unknown` or `consent/regime-violated` where an event breaks the rules it was made under. */
export function requireRegime(consent: ConsentEvent): void {
  const regime = findRegime(consent.regime);
  requireMembers(consent);
  requireProvenance(consent);
  if (!isCellEvent(consent.event.type)) {
    requireSubjectEvent(consent);
    return;
  }
  const transition = regime.transitions[consent.event.type];
  if (transition.by[consent.event.by] === undefined)
    throw violation(`a ${consent.event.by} may not ${consent.event.type}`);
  requireOfficers(consent, transition.officers);
  if (consent.grants.length === 0) throw violation(`a ${consent.event.type} names what it is about`);
  for (const grant of consent.grants) requireLine(consent, grant, transition, regime);
  const opens = consent.event.type === 'notify' && regime.opening !== null;
  if (isYes(consent) || opens) requirePlace(consent, regime);
  if (isYes(consent)) requireYes(consent, regime);
}

export function isCellEvent(type: ConsentEventType): type is CellEventType {
  return CELL_EVENTS.some((known) => known === type);
}

/** Grants and renewals: the only events that can allow under every regime. */
export function isYes({ event }: ConsentEvent): boolean {
  return event.type === 'grant' || event.type === 'renew';
}

/** What becomes of a minor's cells: somebody answers for the child, or the child is asked again. */
export function minorState(
  regime: Regime,
  jurisdiction: readonly string[],
  age: AgeBand,
): 'pending_guardian' | 'stale_notice' {
  const needed = specificPlaces(jurisdiction).some((place) => {
    const ages = regime.guardianFor[place] ?? regime.guardianFor[place.slice(0, 2)];
    return (ages ?? regime.guardianFor.default).includes(age);
  });
  return needed ? 'pending_guardian' : 'stale_notice';
}

/** Members that belong to some events, and to no others. */
const OWN_MEMBERS = {
  delegate: (type) => type === 'delegate',
  supersedes: (type) => type === 'supersede',
  key: (type) => type === 'key_rotate' || type === 'recover',
  signal: (type) => type === 'signal',
  minor: (type) => type === 'minor_detected',
} as const satisfies Partial<Record<keyof ConsentEvent, (type: ConsentEventType) => boolean>>;

function requireMembers(consent: ConsentEvent): void {
  const { type, by, reason } = consent.event;
  for (const member of ['delegate', 'supersedes', 'key', 'signal', 'minor'] as const) {
    if (OWN_MEMBERS[member](type) !== (consent[member] !== undefined))
      throw violation(`${member} belongs to events of its own kind, and these to it`);
  }
  const acts = by === 'guardian' || by === 'agent' || type === 'undelegate';
  if (acts !== (consent.delegation !== undefined))
    throw violation('delegation belongs to guardians, agents and the end of a delegation');
  if ((type === 'revoke') !== (reason !== undefined)) throw violation('reason belongs to revocations');
}

/** Whoever signs for somebody else says so, names itself and says what it rests on; a subject's own event cannot. */
function requireProvenance({ event, collectedBy, evidence }: ConsentEvent): void {
  if ((event.by === 'collector') !== (collectedBy !== undefined))
    throw violation('collectedBy belongs to collector events');
  if (event.by !== 'controller' && (event.actor !== undefined || event.approver !== undefined))
    throw violation('actor and approver belong to controller events');
  if ((event.by === 'collector' || event.by === 'controller') && evidence === undefined)
    throw violation(`a ${event.by} event must name its evidence`);
}

function requireSubjectEvent({ event, grants, delegate }: ConsentEvent): void {
  const rule = SUBJECT_EVENT_RULES.find(
    ({ type, role }) => type === event.type && (role === undefined || role === delegate?.role),
  );
  if (rule === undefined || !rule.by.includes(event.by))
    throw violation(`a ${event.by} may not ${event.type}`);
  if (grants.length > 0) throw violation(`a ${event.type} is about the subject and has no lines`);
}

/** Two pairs of eyes are two people. */
function requireOfficers({ event }: ConsentEvent, officers: 0 | 1 | 2): void {
  if (event.by !== 'controller') return;
  const { actor, approver } = event;
  if (officers > 0 && actor === undefined) throw violation(`a ${event.type} names the officer who acted`);
  if (officers > 1 && (approver === undefined || approver === actor))
    throw violation(`a ${event.type} takes a second officer`);
}

function requireLine(
  consent: ConsentEvent,
  grant: ConsentGrant,
  transition: Transition,
  regime: Regime,
): void {
  const { type } = consent.event;
  if (!transition.to.includes(grant.state)) throw violation(`a ${type} makes no line ${grant.state}`);
  if (
    consent.minor !== undefined &&
    grant.state !== minorState(regime, consent.jurisdiction, consent.minor.age)
  )
    throw violation('the age says otherwise');
  if (!regime.legalBases.includes(grant.legalBasis))
    throw violation('the legal basis is not one of the regime');
  const narrows = !['grant', 'renew', 'request', 'defer', 'notify'].includes(type);
  if (grant.purpose === ANY_PURPOSE && !narrows) throw violation('only what narrows may name every purpose');
  for (const field of transition.required) requireField(grant, field);
  if (type === 'signal') requireSignal(consent, grant);
  if (type === 'notify' && regime.opening !== null) requireOpening(grant, regime.opening);
}

/** A signal speaks of what leaves the controller, unless the controller takes it for more. */
function requireSignal({ signal }: ConsentEvent, { operations }: ConsentGrant): void {
  const inside = operations.some(
    (operation) => LOCAL_OPERATIONS.has(operation) || operation === 'contribute',
  );
  if (inside && signal?.profiling !== true) throw violation('the signal says nothing of profiling');
}

/** What a notice cannot open, it does not claim to. */
function requireOpening({ category, operations }: ConsentGrant, opening: Opening): void {
  if (opening.butNotCategories.includes(category)) throw violation(`a notice does not allow ${category}`);
  if (operations.some((operation) => opening.butNotOperations.includes(operation)))
    throw violation('a notice does not allow one of the operations');
}

/** Under rules that count in no sector there, it would be logged and mean nothing. */
function requirePlace({ jurisdiction, grants }: ConsentEvent, regime: Regime): void {
  const places = specificPlaces(jurisdiction);
  for (const { category } of grants) {
    const counts = SECTORS.some((sector) =>
      resolveRegimes(places, category, sector).every(({ id }) => serves(regime, id)),
    );
    if (!counts) throw violation(`${category} is under another regime there`);
  }
}

function requireYes(consent: ConsentEvent, regime: Regime): void {
  const { event, grants } = consent;
  if (regime.twoSteps.includes(event.by) && !event.method.split('+').includes('confirm'))
    throw violation('this consent takes two steps');
  if (!regime.compound) requireSingle(consent);
  for (const grant of grants) {
    for (const field of regime.requiredFor[grant.category] ?? []) requireField(grant, field);
    for (const operation of grant.operations)
      for (const field of regime.requiredForOperation[operation] ?? []) requireField(grant, field);
    if (regime.requiredOneOf.some((fields) => fields.every((field) => grant[field] === undefined)))
      throw violation('the grant must say when it ends');
    if (grant.consentType !== undefined && !regime.consentTypes.includes(grant.consentType))
      throw violation(`${grant.consentType} consent is not enough`);
    requireValidity(consent, grant, regime);
  }
}

/** 45 CFR 164.508(b)(3): an authorisation is combined with no other, with no condition of care, and psychotherapy notes with nothing. */
function requireSingle({ event, grants }: ConsentEvent): void {
  const distinct = (member: 'purpose' | 'necessity'): number =>
    new Set(grants.map((grant) => grant[member])).size;
  if (distinct('purpose') > 1 || distinct('necessity') > 1) throw violation('a compound authorisation');
  const apart = grants.some(({ category }) => category === 'psychographic');
  if (apart && grants.some(({ category }) => category !== 'psychographic'))
    throw violation('a compound authorisation');
  if (grants.some(({ statements = [] }) => statements.length < 3)) throw violation('a statement is missing');
  if ((event.by === 'guardian') !== (event.authority !== undefined))
    throw violation('a representative says by what authority');
}

function requireValidity(
  { event }: ConsentEvent,
  { validUntil }: ConsentGrant,
  { validityDays }: Regime,
): void {
  if (validUntil === undefined) return;
  const validity = instantToMillis(validUntil) - instantToMillis(event.at);
  if (validity <= 0) throw violation('the grant ends before it begins');
  if (validity > validityDays.longest * DAY_MILLIS)
    throw violation('the grant outlasts what the regime allows');
}

function requireField(grant: ConsentGrant, field: keyof ConsentGrant): void {
  if (grant[field] === undefined) throw violation(`a line of ${grant.category} must carry ${field}`);
}

function violation(message: string): ConsentError {
  return new ConsentError('consent/regime-violated', message);
}
