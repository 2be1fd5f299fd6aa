import type {
  Category,
  ConsentEventType,
  ConsentQuestion,
  LoggedConsent,
  Operation,
} from '@twinkeep/consent';
import { ANY_PURPOSE, PURPOSES } from '@twinkeep/consent';
import * as fc from 'fast-check';

import { DAY, PURPOSE, START, SUBJECT } from './fixtures.ts';
import type { Scenario, Step } from './history-events.ts';
import { SCENARIOS, SIGNERS, linksTo, logStep, namedBy, signerOf } from './history-events.ts';

// Random histories of one subject, with everyone who may speak about them: two devices, a guardian, an agent, a clinic that
// collects, and the controller. Each knows what it signed and, after it has synchronised, all that was logged; what it signs
// names the heads of what it knows. Every event is complete under its regime; whether it has an effect is left to chance.

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
