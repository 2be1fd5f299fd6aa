/** Somebody whose consent is asked: events as the software makes them, one after the other, and what the gate says of them. */
import {
  applyConsent,
  consentEventId,
  createConsentEvent,
  createSubjectEvent,
  decide,
  linkToHeads,
  mayAsk,
  NO_CONSENT,
  type Category,
  type ConsentEvent,
  type ConsentInput,
  type ConsentState,
  type Decision,
  type Operation,
  type Sector,
  type SubjectInput,
} from '@twinkeep/consent';
import { canonicalJson } from '@twinkeep/audit';
import { BASE, DAY, PURPOSE, START, SUBJECT, TERMS } from '../../consent/fixtures.ts';

export { DAY, PURPOSE, SUBJECT, TERMS };
export const ADVERTISING = 'https://w3id.org/dpv#PersonalisedAdvertising';
export const MARKETING = 'https://w3id.org/dpv#DirectMarketing';
export const PAPERS = [{ kind: 'ticket', value: 'T-1' }];
export const OFFICER = { by: 'controller' as const, actor: 'officer-1', evidence: PAPERS };
export const OFFICERS = { ...OFFICER, approver: 'officer-2' };

type Given<Input> = Partial<Input> & { type: ConsentInput['type'] | SubjectInput['type'] };
export type Said = Given<ConsentInput>;

export interface Person {
  state(): ConsentState;
  /** The event itself; throws where the rules of its regime refuse it. */
  make(said: Said): ConsentEvent;
  /** Makes it and has it logged. */
  say(said: Said): Person;
  about(said: Partial<SubjectInput> & { type: SubjectInput['type'] }): Person;
  ask(question?: Asked): Decision;
  mayAsk(after: number): boolean;
}

interface Asked {
  category?: Category;
  operation?: Operation;
  purpose?: string;
  /** Milliseconds after the first day. */
  after?: number;
}

export function createPerson(
  jurisdiction: string[],
  sector: Sector,
  category: Category = 'behavioral',
): Person {
  let state = NO_CONSENT;
  let seq = 0;
  const log = (event: ConsentEvent): Person => {
    const index = state.lastIndex + 1;
    const receivedAt = Date.parse(event.event.at);
    state = applyConsent(state, { id: consentEventId(canonicalJson(event)), event, index, receivedAt });
    return person;
  };
  const base = () => ({
    ...BASE,
    jurisdiction,
    sector,
    seq: ++seq,
    links: linkToHeads(state),
    categories: { required: [category], optional: [] },
  });
  const person: Person = {
    state: () => state,
    make: (said) => {
      const terms = { consentType: 'explicit', storage: TERMS.storage };
      return createConsentEvent({ ...base(), terms, ...said } as ConsentInput);
    },
    say: (said) => log(person.make(said)),
    about: (said) => log(createSubjectEvent({ ...base(), ...said } as SubjectInput)),
    ask: ({ category: asked = category, operation = 'contribute', purpose = PURPOSE, after = 0 } = {}) =>
      decide(
        { subject: SUBJECT, categories: { required: [asked], optional: [] }, purpose, operation, sector },
        state,
        START + after,
      ),
    mayAsk: (after) => mayAsk({ category, purpose: PURPOSE, operation: 'contribute' }, state, START + after),
  };
  return person;
}

/** Milliseconds since 1970 of so many days after the first. */
export const day = (days: number): number => START + days * DAY;
