import type {
  CellEventType,
  Category,
  ConsentActor,
  ConsentEvent,
  ConsentEventType,
  ConsentGrant,
  LoggedConsent,
  Operation,
  Sector,
} from '@twinkeep/consent';
import {
  ANY_PURPOSE,
  CATEGORY_IRIS,
  SUBJECT_EVENT_RULES,
  isCellEvent,
  millisToInstant,
  minorState,
  resolveRegime,
} from '@twinkeep/consent';

import { BASE, CONTROLLER, DAY, PURPOSE, SUBJECT } from './fixtures.ts';

// From a step of a random history to the event that it makes: complete under its regime, whoever signs it.

export interface Scenario {
  jurisdiction: string[];
  sector: Sector;
}

/** One for each regime, and one subject who moves. */
export const SCENARIOS: readonly Scenario[] = [
  { jurisdiction: ['EU', 'DE'], sector: 'general' },
  { jurisdiction: ['FR'], sector: 'healthcare' },
  { jurisdiction: ['US-CA'], sector: 'general' },
  { jurisdiction: ['US-NY'], sector: 'banking' },
  { jurisdiction: ['US'], sector: 'healthcare' },
];

export interface Step {
  type: ConsentEventType;
  signer: number;
  synchronise: boolean;
  categories: Category[];
  operations: Operation[];
  purpose: string;
  /** Since the step before. */
  days: number;
  validDays: number;
  minCohort: number;
  /** Picks among what there is: a delegation, a record. */
  which: number;
  moves: boolean;
}

export const SIGNERS = ['phone', 'tablet', 'guardian', 'agent', 'clinic', 'controller'] as const;
export type Signer = (typeof SIGNERS)[number];

const ACTOR: Readonly<Record<Signer, ConsentActor>> = {
  phone: 'subject',
  tablet: 'subject',
  guardian: 'guardian',
  agent: 'agent',
  clinic: 'collector',
  controller: 'controller',
};

export function idOf(n: number): string {
  return `sha-256:${String(n).padStart(42, '0')}A`;
}

export type Links = Pick<ConsentEvent, 'prev' | 'merges'>;

export function linksTo(named: readonly string[]): Links {
  const prev = named.at(-1) ?? null;
  const merges = named.slice(0, -1);
  return merges.length === 0 ? { prev } : { prev, merges };
}

export function namedBy({ prev, merges = [] }: ConsentEvent): string[] {
  return prev === null ? merges : [prev, ...merges];
}

/** One of those who may sign it in this place. */
export function signerOf({ type, signer, categories }: Step, scenario: Scenario): Signer {
  const able = SIGNERS.filter((one) => mayBySigner(one, type, scenario, categories[0]!));
  return able[signer % able.length]!;
}

function mayBySigner(
  signer: Signer,
  type: ConsentEventType,
  { jurisdiction, sector }: Scenario,
  category: Category,
): boolean {
  const by = ACTOR[signer];
  if (!isCellEvent(type))
    return SUBJECT_EVENT_RULES.some((rule) => rule.type === type && rule.by.includes(by));
  return resolveRegime(jurisdiction, category, sector).transitions[type].by[by] !== undefined;
}

export interface Making {
  n: number;
  scenario: Scenario;
  log: readonly LoggedConsent[];
  links: Links;
  step: Step;
  receivedAt: number;
}

export function logStep(making: Making): LoggedConsent {
  const { n, links, step, receivedAt, log } = making;
  const scenario = step.moves ? SCENARIOS[step.which % SCENARIOS.length]! : making.scenario;
  const signer = signerOf(step, scenario);
  const by = ACTOR[signer];
  const [first] = step.categories;
  const regime = resolveRegime(scenario.jurisdiction, first!, scenario.sector);
  const record = step.which % 4 === 0 ? log.at(step.which % 3)?.event.recordId : undefined;
  const event: ConsentEvent = {
    schema: 'urn:twinkeep:consent-event:1',
    recordId: record ?? ulid(n),
    subject: SUBJECT,
    controller: CONTROLLER,
    seq: n + 1,
    ...links,
    jurisdiction: scenario.jurisdiction,
    regime: regime.id,
    notice: BASE.notice,
    grants: isCellEvent(step.type) ? linesOf(step, step.type, scenario, receivedAt) : [],
    event: {
      type: step.type,
      at: millisToInstant(receivedAt),
      method: 'toggle+confirm',
      by,
      ...(by === 'controller' ? { actor: 'officer-1', approver: 'officer-2' } : {}),
      ...(step.type === 'revoke'
        ? { reason: 'https://w3id.org/dpv/justifications#LegalObligationImpaired' }
        : {}),
      ...(regime.id === 'hipaa-auth@1' &&
      by === 'guardian' &&
      (step.type === 'grant' || step.type === 'renew')
        ? { authority: 'parent' }
        : {}),
    },
    ...(by === 'collector' ? { collectedBy: { kid: KIDS.clinic, party: 'https://clinic.example' } } : {}),
    ...(by === 'collector' || by === 'controller' ? { evidence: [{ kind: 'ticket', value: `T-${n}` }] } : {}),
    ...membersOf(step, by, n, log, receivedAt),
  };
  return { id: idOf(n), event, index: n, receivedAt };
}

function membersOf(
  { type, which, categories, operations, purpose, validDays }: Step,
  by: ConsentActor,
  n: number,
  log: readonly LoggedConsent[],
  receivedAt: number,
): Partial<ConsentEvent> {
  const named = log.flatMap(({ event }) => (event.delegate === undefined ? [] : [event.delegate]));
  const fitting = named.filter(({ role }) => type === 'undelegate' || role === by);
  const delegation = fitting[which % Math.max(1, fitting.length)]?.id ?? ulid(500);
  const role = by === 'subject' ? 'agent' : 'guardian';
  return {
    ...(by === 'guardian' || by === 'agent' || type === 'undelegate' ? { delegation } : {}),
    ...(type === 'signal' ? { signal: { kind: 'gpc' as const, value: '1', profiling: true } } : {}),
    ...(type === 'minor_detected' ? { minor: { age: ageOf(which) } } : {}),
    ...(type === 'supersede'
      ? {
          supersedes: {
            record: log[which % Math.max(1, log.length)]?.event.recordId ?? ulid(600),
            by: ulid(n),
          },
        }
      : {}),
    ...(type === 'key_rotate' || type === 'recover'
      ? { key: { retired: KIDS.phone, added: KIDS.tablet } }
      : {}),
    ...(type === 'delegate'
      ? {
          delegate: {
            id: ulid(n),
            role,
            kid: KIDS[role],
            categories,
            purposes: [purpose],
            operations,
            notAfter: millisToInstant(receivedAt + validDays * DAY),
          },
        }
      : {}),
  };
}

function linesOf(
  step: Step,
  type: CellEventType,
  { jurisdiction, sector }: Scenario,
  at: number,
): ConsentGrant[] {
  const regime = resolveRegime(jurisdiction, step.categories[0]!, sector);
  const { opening } = regime;
  const opens = type === 'notify' && opening !== null;
  const isYes = type === 'grant' || type === 'renew';
  const together = step.categories.filter(
    (category) =>
      resolveRegime(jurisdiction, category, sector) === regime &&
      (regime.compound || (category === 'psychographic') === (step.categories[0] === 'psychographic')),
  );
  const openable = together.filter((category) => !opens || !opening.butNotCategories.includes(category));
  // What a notice cannot open at all, it opens for something that it can.
  const categories =
    !isYes && type !== 'notify' ? step.categories : openable.length > 0 ? openable : ['behavioral' as const];
  const operations = step.operations.filter(
    (operation) => !opens || !opening.butNotOperations.includes(operation),
  );
  const state =
    type === 'minor_detected'
      ? minorState(regime, jurisdiction, ageOf(step.which))
      : regime.transitions[type].to[0]!;
  const mayNameAll = !isYes && !['notify', 'request', 'defer'].includes(type);
  const validDays = Math.min(step.validDays, regime.validityDays.longest);
  const storage = { location: 'device', retention: 'P1Y', deletion: 'P30D' };
  return categories.map((category): ConsentGrant => ({
    category,
    pdIri: [...CATEGORY_IRIS[category]],
    ...(category === 'third_party_enrichment' ? { source: 'https://w3id.org/dpv#ThirdPartyDataSource' } : {}),
    purpose: step.purpose === ANY_PURPOSE && !mayNameAll ? PURPOSE : step.purpose,
    operations: operations.length === 0 ? ['collect'] : operations,
    legalBasis: regime.legalBases[0]!,
    state,
    necessity: 'required',
    ...(isYes
      ? {
          consentType: 'explicit',
          storage,
          validUntil: millisToInstant(at + validDays * DAY),
          ...(step.minCohort === 0 ? {} : { privacyFloor: { secAgg: { minCohort: step.minCohort } } }),
          disclosers: ['https://clinic.example'],
          recipients: ['https://bank.example'],
          statements: ['right-to-revoke', 'conditioning', 'redisclosure'],
        }
      : {}),
    ...(opens ? { storage, ...(step.which % 5 === 0 ? { exception: '1016.14' as const } : {}) } : {}),
  }));
}

function ageOf(which: number): 'under-13' | '13-15' | '16-17' {
  return (['under-13', '13-15', '16-17'] as const)[which % 3]!;
}

/** Any three keys. */
const KIDS = {
  phone: 'A'.repeat(43),
  tablet: `${'B'.repeat(42)}A`,
  guardian: `${'C'.repeat(42)}A`,
  agent: `${'D'.repeat(42)}A`,
  clinic: `${'E'.repeat(42)}A`,
};

function ulid(n: number): string {
  return `01KF0S8Q4${String(n).padStart(17, '0')}`;
}
