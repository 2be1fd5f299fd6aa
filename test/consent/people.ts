import type {
  CategoryChoice,
  ConsentEvent,
  ConsentInput,
  ConsentLinks,
  ConsentProvenance,
  ConsentQuestion,
  ConsentState,
  DelegationRecord,
  GrantTerms,
  LoggedConsent,
  Operation,
  Sector,
  SubjectInput,
} from '@twinkeep/consent';
import {
  createConsentEvent,
  createSubjectEvent,
  decide,
  foldConsents,
  millisToInstant,
} from '@twinkeep/consent';

import { BASE, DAY, PURPOSE, START, SUBJECT, TERMS, collectorProvenance } from './fixtures.ts';
import { idOf } from './history-events.ts';

// One subject's chain, told in order: each event has seen all before it, a day apart unless it says otherwise.

export const KID: string = `${'K'.repeat(42)}A`;
export const EVIDENCE = [{ kind: 'ticket', value: 'T-1' }];
type Controlled = Extract<ConsentProvenance, { by: 'controller' }>;
export const OFFICER: Controlled = { by: 'controller', actor: 'officer-1', evidence: EVIDENCE };
export const TWO_OFFICERS: Controlled = { ...OFFICER, approver: 'officer-2' };
export const CLINIC: ConsentProvenance = collectorProvenance(KID);
export const MANDATE = '01KF0S8Q40000000000000000M';
export const GUARDIAN: ConsentProvenance = { by: 'guardian', delegation: MANDATE };
export const AGENT: ConsentProvenance = { by: 'agent', delegation: MANDATE };

export const DELEGATE: DelegationRecord = {
  id: MANDATE,
  role: 'agent',
  kid: KID,
  categories: ['behavioral'],
  purposes: [PURPOSE],
  operations: ['collect', 'contribute'],
  notAfter: millisToInstant(START + 100 * DAY),
};

/** What a test says of an event; the rest is that of `BASE`, one category, two operations. */
export interface Said {
  type: ConsentInput['type'];
  day?: number;
  recordId?: string;
  jurisdiction?: readonly string[];
  sector?: Sector;
  categories?: CategoryChoice | undefined;
  operations?: readonly Operation[];
  purpose?: string;
  method?: string;
  links?: ConsentLinks;
  provenance?: ConsentProvenance | undefined;
  terms?: Partial<GrantTerms>;
  signal?: ConsentEvent['signal'];
  minor?: ConsentEvent['minor'];
  reason?: string;
}
export interface SaidOfSubject extends Partial<Omit<SubjectInput, 'type'>> {
  type: SubjectInput['type'];
  day?: number;
}

const PLAIN = {
  ...BASE,
  categories: { required: ['behavioral'], optional: [] },
  operations: ['collect', 'contribute'],
} as const;

export function makeEvent(said: Said): ConsentEvent {
  const isYes = said.type === 'grant' || said.type === 'renew';
  const input = { ...PLAIN, at: START, ...(isYes ? { terms: TERMS } : {}), ...said };
  return createConsentEvent(input as unknown as ConsentInput);
}

export function makeSubjectEvent(said: SaidOfSubject): ConsentEvent {
  return createSubjectEvent({ ...PLAIN, at: START, ...said } as unknown as SubjectInput);
}

const isOfSubject = (said: Said | SaidOfSubject): said is SaidOfSubject =>
  ['supersede', 'delegate', 'undelegate', 'key_rotate', 'recover'].includes(said.type);

export function tell(...story: (Said | SaidOfSubject)[]): LoggedConsent[] {
  return story.map((said, n) => {
    const receivedAt = START + (said.day ?? n) * DAY;
    const links = said.links ?? { prev: n === 0 ? null : idOf(n - 1) };
    const full = { ...said, at: receivedAt, seq: n + 1, links };
    const event = isOfSubject(full) ? makeSubjectEvent(full) : makeEvent(full as Said);
    return { id: idOf(n), event, index: n, receivedAt };
  });
}

export function stateOf(...story: (Said | SaidOfSubject)[]): ConsentState {
  return foldConsents(tell(...story));
}

export function ask(question: Partial<ConsentQuestion> = {}): ConsentQuestion {
  return {
    subject: SUBJECT,
    categories: { required: ['behavioral'], optional: [] },
    purpose: PURPOSE,
    operation: 'contribute',
    sector: 'general',
    ...question,
  };
}

/** The reason given on a day, counted from the start. */
export function reasonOn(day: number, question: ConsentQuestion, ...story: (Said | SaidOfSubject)[]): string {
  return decide(question, stateOf(...story), START + day * DAY).reason;
}

/** The same long after the last event, before anything has ended. */
export function reason(...story: (Said | SaidOfSubject)[]): string {
  return reasonOn(story.length + 30, ask(), ...story);
}
