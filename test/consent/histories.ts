import type {
  CellEventType,
  Category,
  ConsentActor,
  ConsentEvent,
  ConsentEventType,
  ConsentGrant,
  ConsentQuestion,
  LoggedConsent,
  Operation,
  Sector,
} from '@twinkeep/consent';
import {
  ANY_PURPOSE,
  CATEGORY_IRIS,
  PURPOSES,
  SUBJECT_EVENT_RULES,
  isCellEvent,
  millisToInstant,
  minorState,
  resolveRegime,
} from '@twinkeep/consent';
import * as fc from 'fast-check';

import { BASE, CONTROLLER, DAY, PURPOSE, START, SUBJECT } from './fixtures.ts';

// Random histories of one subject, with everyone who may speak about them: two devices, a guardian, an agent, a clinic that
// collects, and the controller. Each knows what it signed and, after it has synchronised, all that was logged; what it signs
// names the heads of what it knows. Every event is complete under its regime; whether it has an effect is left to chance.

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

export const CATEGORIES_ASKED: readonly Category[] = [
  'behavioral',
  'transactional',
  'third_party_enrichment',
  'psychographic',
];
export const OPERATIONS_ASKED: readonly Operation[] = ['collect', 'contribute', 'personalise', 'share'];
export const PURPOSES_ASKED: readonly string[] = [PURPOSE, PURPOSES.personalisedAdvertising];

export interface History {
  scenario: Scenario;
  log: LoggedConsent[];
}

const SIGNERS = ['phone', 'tablet', 'guardian', 'agent', 'clinic', 'controller'] as const;
type Signer = (typeof SIGNERS)[number];

const ACTOR: Readonly<Record<Signer, ConsentActor>> = {
  phone: 'subject',
  tablet: 'subject',
  guardian: 'guardian',
  agent: 'agent',
  clinic: 'collector',
  controller: 'controller',
};

/** The more often, the more there is to withdraw, to restrict and to lift. */
const TYPES: readonly ConsentEventType[] = [
  ...Array<'grant'>(6).fill('grant'),
  ...Array<'notify'>(3).fill('notify'),
  ...Array<'renew'>(2).fill('renew'),
  ...Array<'delegate'>(2).fill('delegate'),
  'request',
  'defer',
  'refuse',
  'withdraw',
  'object',
  'signal',
  'restrict',
  'unrestrict',
  'revoke',
  'invalidate',
  'notice_bump',
  'minor_detected',
  'age_of_majority',
  'supersede',
  'undelegate',
  'key_rotate',
  'recover',
];

/** What narrows: whatever it does, it makes nothing allowed. */
export const NARROWING: readonly ConsentEventType[] = [
  'refuse',
  'withdraw',
  'object',
  'signal',
  'restrict',
  'revoke',
  'invalidate',
  'notice_bump',
  'minor_detected',
  'supersede',
  'undelegate',
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

const stepOf = (types: readonly ConsentEventType[]): fc.Arbitrary<Step> =>
  fc.record({
    type: fc.constantFrom(...types),
    signer: fc.nat(5),
    synchronise: fc.nat(3).map((n) => n > 0),
    categories: fc.subarray([...CATEGORIES_ASKED], { minLength: 1 }),
    operations: fc.subarray([...OPERATIONS_ASKED], { minLength: 1 }),
    purpose: fc.constantFrom(PURPOSE, PURPOSE, ...PURPOSES_ASKED, ANY_PURPOSE),
    days: fc.constantFrom(0, 0, 1, 31, 200),
    validDays: fc.constantFrom(20, 300),
    minCohort: fc.constantFrom(0, 0, 50),
    which: fc.nat(20),
    moves: fc.nat(19).map((n) => n === 0),
  });

export const history: fc.Arbitrary<History> = fc
  .record({ scenario: fc.constantFrom(...SCENARIOS), steps: fc.array(stepOf(TYPES), { maxLength: 10 }) })
  .map(({ scenario, steps }) => ({ scenario, log: runSteps(scenario, steps) }));

/** An event that narrows, to be put anywhere into a history: at a place, having seen some of it. */
export const narrowing: fc.Arbitrary<{ step: Step; place: number; sees: boolean[]; seenAfter: boolean[] }> =
  fc.record({
    step: stepOf(NARROWING),
    place: fc.nat(10),
    sees: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
    seenAfter: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
  });

/** From before the first event to long after the last. */
export const moment: fc.Arbitrary<number> = fc
  .constantFrom(-1, 0, 1, 15, 40, 210, 420, 800)
  .map((days) => START + days * DAY);

export function questionsOf({ sector }: Scenario, cohort = 100): ConsentQuestion[] {
  return PURPOSES_ASKED.flatMap((purpose) =>
    OPERATIONS_ASKED.flatMap((operation) =>
      CATEGORIES_ASKED.map((category) => ({
        subject: SUBJECT,
        categories: { required: [category], optional: [] },
        purpose,
        operation,
        sector,
        cohort,
      })),
    ),
  );
}

export function idOf(n: number): string {
  return `sha-256:${String(n).padStart(42, '0')}A`;
}

/** The history with one more event, which has seen some of what stands before it and was seen by some of what comes after. */
export function withEvent(
  { scenario, log }: History,
  { step, place, sees, seenAfter }: { step: Step; place: number; sees: boolean[]; seenAfter: boolean[] },
): { history: History; added: LoggedConsent } {
  const [before, after] = [log.slice(0, place), log.slice(place)];
  const named = before.filter((_, i) => sees[i]).map(({ id }) => id);
  const receivedAt = before.at(-1)?.receivedAt ?? START;
  const added = logStep({ n: 99, scenario, log: before, links: linksTo(named), step, receivedAt });
  // Seen only by who had seen all that it names: else it would bring them news of a no that they may lift then.
  const knows = (logged: LoggedConsent): boolean => {
    const known = seenBy(logged, log);
    return named.every((id) => known.has(id));
  };
  const later = after.map((logged, i) =>
    seenAfter[i] === true && knows(logged) ? alsoSeeing(logged, added.id) : logged,
  );
  const all = [...before, added, ...later].map((logged, index) => ({ ...logged, index }));
  return { history: { scenario, log: all }, added };
}

function alsoSeeing(logged: LoggedConsent, id: string): LoggedConsent {
  const { merges = [], prev } = logged.event;
  return {
    ...logged,
    event: { ...logged.event, ...(prev === null ? { prev: id } : { merges: [...merges, id] }) },
  };
}

/** Another order in which the log could have received the same events: none before one that it names. */
export function reorder(log: readonly LoggedConsent[], picks: readonly number[]): LoggedConsent[] {
  const waiting = [...log];
  const ordered: LoggedConsent[] = [];
  for (let index = 0; waiting.length > 0; index++) {
    const ready = waiting.filter(
      ({ event }) => !namedBy(event).some((id) => waiting.some((entry) => entry.id === id)),
    );
    const next = ready[(picks[index % Math.max(1, picks.length)] ?? 0) % ready.length]!;
    waiting.splice(waiting.indexOf(next), 1);
    ordered.push({ ...next, index });
  }
  return ordered;
}

/** All that an event had seen, by the definition. */
export function seenBy(logged: LoggedConsent, log: readonly LoggedConsent[]): ReadonlySet<string> {
  const byId = new Map(log.map((entry) => [entry.id, entry]));
  const seen = new Set(namedBy(logged.event));
  for (const id of seen) for (const earlier of namedBy(byId.get(id)!.event)) seen.add(earlier);
  return seen;
}

export function touches(
  { event }: LoggedConsent,
  { categories, purpose, operation }: ConsentQuestion,
): boolean {
  return event.grants.some(
    (line) =>
      line.category === categories.required[0] &&
      (line.purpose === purpose || line.purpose === ANY_PURPOSE) &&
      line.operations.includes(operation),
  );
}

function runSteps(scenario: Scenario, steps: readonly Step[]): LoggedConsent[] {
  const log: LoggedConsent[] = [];
  const known = SIGNERS.map(() => new Set<string>());
  let receivedAt = START;
  steps.forEach((step, n) => {
    receivedAt += step.days * DAY;
    const signer = signerOf(step, scenario);
    const mine = known[SIGNERS.indexOf(signer)]!;
    if (step.synchronise || signer === 'controller') for (const { id } of log) mine.add(id);
    const heads = log.filter(
      ({ id }) =>
        mine.has(id) && !log.some((later) => mine.has(later.id) && namedBy(later.event).includes(id)),
    );
    const links = linksTo(heads.map(({ id }) => id));
    const logged = logStep({ n, scenario, log, links, step, receivedAt });
    log.push(logged);
    mine.add(logged.id);
  });
  return log;
}

type Links = Pick<ConsentEvent, 'prev' | 'merges'>;

function linksTo(named: readonly string[]): Links {
  const prev = named.at(-1) ?? null;
  const merges = named.slice(0, -1);
  return merges.length === 0 ? { prev } : { prev, merges };
}

function namedBy({ prev, merges = [] }: ConsentEvent): string[] {
  return prev === null ? merges : [prev, ...merges];
}

/** One of those who may sign it in this place. */
function signerOf({ type, signer, categories }: Step, scenario: Scenario): Signer {
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

interface Making {
  n: number;
  scenario: Scenario;
  log: readonly LoggedConsent[];
  links: Links;
  step: Step;
  receivedAt: number;
}

function logStep(making: Making): LoggedConsent {
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
