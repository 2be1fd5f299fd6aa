import type {
  Category,
  ConsentEvent,
  ConsentLinks,
  ConsentQuestion,
  LoggedConsent,
  Operation,
} from '@twinkeep/consent';
import { createConsentEvent, instantToMillis } from '@twinkeep/consent';
import * as fc from 'fast-check';

import { BASE, DAY, PURPOSE, START, SUBJECT, TERMS } from './fixtures.ts';

// Random histories of one subject with several devices. A device knows its own events and, after it has synchronised,
// everything logged so far; what it signs names the heads of what it knows. Devices that do not synchronise act apart.

export const CATEGORIES_USED = [
  'behavioral',
  'feedback',
  'contextual',
] as const satisfies readonly Category[];
export const OPERATIONS_USED = ['contribute', 'train_local'] as const satisfies readonly Operation[];
export const COHORTS = [undefined, 10, 40] as const;

export interface Step {
  device: number;
  synchronise: boolean;
  type: 'grant' | 'refuse' | 'withdraw';
  categories: Category[];
  operations: Operation[];
  validDays: number;
  minCohort: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  device: fc.nat(2),
  synchronise: fc.boolean(),
  // Grants more often, or most histories would only ever deny.
  type: fc.constantFrom('grant', 'grant', 'grant', 'refuse', 'withdraw'),
  categories: fc.subarray([...CATEGORIES_USED], { minLength: 1 }),
  operations: fc.subarray([...OPERATIONS_USED], { minLength: 1 }),
  validDays: fc.integer({ min: 1, max: 20 }),
  minCohort: fc.constantFrom(0, 0, 20, 50),
});

export const history: fc.Arbitrary<LoggedConsent[]> = fc.array(step, { maxLength: 12 }).map(runSteps);

/** A year of moments around the histories, which begin at START and end within a fortnight. */
export const moment: fc.Arbitrary<number> = fc
  .integer({ min: -2, max: 40 })
  .map((days) => START + days * DAY);

export const questions: ConsentQuestion[] = OPERATIONS_USED.flatMap((operation) =>
  COHORTS.flatMap((cohort) => [
    ...CATEGORIES_USED.map((category) => ask({ required: [category], optional: [] }, operation, cohort)),
    ask({ required: ['behavioral'], optional: ['feedback', 'contextual'] }, operation, cohort),
    ask({ required: [], optional: [...CATEGORIES_USED] }, operation, cohort),
  ]),
);

export function ask(
  categories: ConsentQuestion['categories'],
  operation: Operation,
  cohort?: number,
): ConsentQuestion {
  const question = { subject: SUBJECT, categories, purpose: PURPOSE, sector: 'general', operation } as const;
  return cohort === undefined ? question : { ...question, cohort };
}

/** `n` makes the id, so that equal numbers are equal events. */
export function logConsent(
  n: number,
  index: number,
  links: ConsentLinks,
  choice: Omit<Step, 'device' | 'synchronise'>,
): LoggedConsent {
  const at = START + n * 60_000;
  const base = {
    ...BASE,
    seq: n + 1,
    links,
    categories: { required: choice.categories, optional: [] },
    operations: choice.operations,
    at,
  };
  const privacyFloor = { secAgg: { minCohort: choice.minCohort } };
  const terms = {
    ...TERMS,
    validUntil: at + choice.validDays * DAY,
    ...(choice.minCohort === 0 ? {} : { privacyFloor }),
  };
  const event =
    choice.type === 'grant'
      ? createConsentEvent({ ...base, type: 'grant', terms })
      : createConsentEvent({ ...base, type: choice.type });
  return { id: eventId(n), event, index, receivedAt: at };
}

export function eventId(n: number): string {
  return `sha-256:${String(n).padStart(42, '0')}A`;
}

/** The ids that an event had seen, by the definition: what it names, and what those had seen, as far as the log had them. */
export function ancestors(id: string, log: readonly LoggedConsent[]): Set<string> {
  const logged = log.find((entry) => entry.id === id)!;
  const parents = linksOf(logged.event).filter((parent) =>
    log.some((entry) => entry.id === parent && entry.index < logged.index),
  );
  return new Set(parents.flatMap((parent) => [parent, ...ancestors(parent, log)]));
}

export function linksOf({ prev, merges = [] }: ConsentEvent): string[] {
  return prev === null ? merges : [prev, ...merges];
}

/** Whether one cell may be used, by the definition in prose, event by event. Slow on purpose. */
export function oracleAllows(
  log: readonly LoggedConsent[],
  category: Category,
  operation: Operation,
  cohort: number,
  at: number,
): boolean {
  const touching = log.filter(({ event }) =>
    event.grants.some((grant) => grant.category === category && grant.operations.includes(operation)),
  );
  const unseen = touching.filter(({ id }) => !touching.some((later) => ancestors(later.id, log).has(id)));
  if (unseen.length === 0) return false;
  return unseen.every(({ event }) => {
    const grant = event.grants.find((each) => each.category === category)!;
    if (event.event.type !== 'grant') return false;
    if (at >= instantToMillis(grant.validUntil!)) return false;
    return operation === 'train_local' || cohort >= (grant.privacyFloor?.secAgg?.minCohort ?? 0);
  });
}

/** Another order in which the log could have received the same events: none before one that it names. */
export function reorder(log: readonly LoggedConsent[], picks: readonly number[]): LoggedConsent[] {
  const waiting = [...log];
  const ordered: LoggedConsent[] = [];
  for (let index = 0; waiting.length > 0; index++) {
    const ready = waiting.filter(
      ({ event }) => !linksOf(event).some((id) => waiting.some((entry) => entry.id === id)),
    );
    const next = ready[(picks[index % Math.max(1, picks.length)] ?? 0) % ready.length]!;
    waiting.splice(waiting.indexOf(next), 1);
    ordered.push({ ...next, index });
  }
  return ordered;
}

function runSteps(steps: Step[]): LoggedConsent[] {
  const log: LoggedConsent[] = [];
  const known = [new Set<string>(), new Set<string>(), new Set<string>()];
  steps.forEach((each, n) => {
    const mine = known[each.device]!;
    if (each.synchronise) for (const { id } of log) mine.add(id);
    const logged = logConsent(n, n, linkToKnown(log, mine), each);
    log.push(logged);
    mine.add(logged.id);
  });
  return log;
}

function linkToKnown(log: readonly LoggedConsent[], known: ReadonlySet<string>): ConsentLinks {
  const mine = log.filter(({ id }) => known.has(id));
  const heads = mine
    .filter(({ id }) => !mine.some((later) => linksOf(later.event).includes(id)))
    .map(({ id }) => id);
  const prev = heads.pop() ?? null;
  return heads.length === 0 ? { prev } : { prev, merges: heads };
}
