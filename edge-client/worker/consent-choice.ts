/** From what a person chose to the consent events that say so: which categories, operations and terms, for each purpose. */
import {
  CATEGORIES,
  DAY_MILLIS,
  findCell,
  hasNotice,
  instantToMillis,
  isPermitted,
  listCells,
  OPERATIONS,
  PERMITTING_STATUSES,
  resolveRegime,
  splitByRegime,
  type Category,
  type ConsentState,
  type GrantTerms,
  type NamedCell,
  type Operation,
  type PrivacyFloor,
  type Sector,
} from '@twinkeep/consent';
import type { TaskSpec } from '@twinkeep/protocol';
import type { Choice } from '../consent-signer.ts';
import { TWIN_OPERATIONS } from '../twin/operations.ts';
import type { ConsentChoice, GrantChoice } from '../twin/types.ts';
import type { CheckedSettings } from './settings.ts';

/** The choice cannot be made into an event; the message names the field. */
export class ChoiceError extends Error {}

export interface ChoiceContext {
  settings: CheckedSettings;
  specs: readonly TaskSpec[];
  state: ConsentState;
  now: number;
}

export type Named = Readonly<Record<'required' | 'optional', readonly Category[]>>;

/** How long after its retention what was kept is gone at the latest: expired events are deleted daily. */
const DELETION = 'P1D';

/** Purposes of the tasks, each with what its tasks need or profit from. */
export function namedCategories(specs: readonly TaskSpec[], purpose: string): Named {
  const tasks = specs.filter((spec) => spec.purpose === purpose);
  const among = (kind: 'required' | 'optional'): Category[] =>
    CATEGORIES.filter((category) => tasks.some(({ categories }) => categories[kind].includes(category)));
  const required = among('required');
  return { required, optional: among('optional').filter((category) => !required.includes(category)) };
}

/** @throws ChoiceError */
export function grantsFor(choice: GrantChoice, context: ChoiceContext): Choice[] {
  const { settings, specs } = context;
  return purposesOf(choice, specs).flatMap((purpose) => {
    const named = namedCategories(specs, purpose);
    const wanted = choice.categories ?? named.required;
    const unnamed = wanted.find((category) => ![...named.required, ...named.optional].includes(category));
    if (unnamed !== undefined)
      throw new ChoiceError(`categories: no task of this app uses ${unnamed} for this purpose`);
    const operations = orderedOperations(choice.operations ?? TWIN_OPERATIONS);
    const news = isNews(choice)
      ? wanted
      : wanted.filter(
          (category) => !operations.every((operation) => isGiven(context, category, purpose, operation)),
        );
    // Terms belong to the whole event, so categories that are kept for another time get an event of their own.
    const lengths = [...new Set(news.map((category) => settings.retentionDays[category]))];
    const grants = lengths.flatMap((days): Choice[] => {
      const kept = news.filter((category) => settings.retentionDays[category] === days);
      const parts = splitByRegime(settings.jurisdiction, narrow(named, kept), sectorOf(specs, purpose));
      return parts.map(({ categories }) => ({
        ...common(choice, context, purpose),
        type: 'grant',
        categories,
        operations,
        terms: termsOf(choice, days),
      }));
    });
    return [...noticesFor(news, operations, choice, context, purpose), ...grants];
  });
}

/**
 * GDPR Article 14: of data that came from elsewhere, a person is told before they can say yes. The host app has shown the notice
 * of its settings by then, so the device says that it was delivered.
 */
function noticesFor(
  news: readonly Category[],
  operations: readonly Operation[],
  choice: GrantChoice,
  context: ChoiceContext,
  purpose: string,
): Choice[] {
  const { settings, specs, state } = context;
  const needed = news.filter(
    (category) =>
      resolveRegime(settings.jurisdiction, category, sectorOf(specs, purpose)).noticeFirst.includes(
        category,
      ) && !operations.every((operation) => hasNotice(findCell(state, category, purpose, operation))),
  );
  if (needed.length === 0) return [];
  const categories = { required: [], optional: needed };
  return [{ ...common(choice, context, purpose), type: 'notify', categories, operations }];
}

/** A refusal of what was asked, given or not. @throws ChoiceError */
export function refusalsFor(choice: ConsentChoice, context: ChoiceContext): Choice[] {
  const { specs, state } = context;
  return purposesOf(choice, specs).flatMap((purpose): Choice[] => {
    const named = namedCategories(specs, purpose);
    const operations = orderedOperations(choice.operations ?? TWIN_OPERATIONS);
    const saysNo = (category: Category, operation: Operation): boolean => {
      const status = findCell(state, category, purpose, operation)?.status;
      return status === 'refused' || status === 'withdrawn';
    };
    const categories = narrow(named, choice.categories ?? CATEGORIES);
    const all = [...categories.required, ...categories.optional];
    if (all.every((category) => operations.every((operation) => saysNo(category, operation)))) return [];
    return [{ ...common(choice, context, purpose), type: 'refuse', categories, operations }];
  });
}

/** Takes back what is given of what the choice names; for any purpose, also of tasks that are gone. */
export function withdrawalsFor(choice: ConsentChoice, context: ChoiceContext): Choice[] {
  const given = listCells(context.state).filter(
    ({ cell, category, purpose, operation }) =>
      (PERMITTING_STATUSES.has(cell.status) || cell.status === 'noticed') &&
      (choice.purpose ?? purpose) === purpose &&
      (choice.categories ?? [category]).includes(category) &&
      (choice.operations ?? [operation]).includes(operation),
  );
  return takeBack(given, choice, context);
}

/** Takes back whatever was ever answered, so that the chain ends with it. */
export function lastWordsFor(method: string, context: ChoiceContext): Choice[] {
  return takeBack(listCells(context.state), { method }, context);
}

function takeBack(cells: readonly NamedCell[], choice: ConsentChoice, context: ChoiceContext): Choice[] {
  return [...new Set(cells.map(({ purpose }) => purpose))].map((purpose): Choice => {
    const ofPurpose = cells.filter((named) => named.purpose === purpose);
    const categories = CATEGORIES.filter((category) =>
      ofPurpose.some((named) => named.category === category),
    );
    const { optional } = namedCategories(context.specs, purpose);
    return {
      ...common(choice, context, purpose),
      type: 'withdraw',
      categories: {
        required: categories.filter((category) => !optional.includes(category)),
        optional: categories.filter((category) => optional.includes(category)),
      },
      operations: OPERATIONS.filter((operation) => ofPurpose.some((named) => named.operation === operation)),
    };
  });
}

function purposesOf({ purpose }: ConsentChoice, specs: readonly TaskSpec[]): string[] {
  const known = [...new Set(specs.map((spec) => spec.purpose))];
  if (purpose === undefined) return known;
  if (!known.includes(purpose)) throw new ChoiceError('purpose: no task of this app has it');
  return [purpose];
}

/** Of the tasks that have this purpose; where a task is gone, as if the controller were any other. */
function sectorOf(specs: readonly TaskSpec[], purpose: string): Sector {
  return specs.find((spec) => spec.purpose === purpose)?.sector ?? 'general';
}

/** Whether a yes of the person themselves takes more than a switch. */
export function takesExplicitYes(
  category: Category,
  purpose: string,
  { jurisdiction }: CheckedSettings,
  specs: readonly TaskSpec[],
): boolean {
  const { consentTypes, twoSteps } = resolveRegime(jurisdiction, category, sectorOf(specs, purpose));
  return !consentTypes.includes('expressed') || twoSteps.includes('subject');
}

function common(
  { method = 'toggle', uiFlow }: ConsentChoice,
  { settings, specs }: ChoiceContext,
  purpose: string,
): Pick<Choice, 'jurisdiction' | 'sector' | 'notice' | 'purpose' | 'method' | 'uiFlow'> {
  const { jurisdiction, notice } = settings;
  return {
    jurisdiction: [...jurisdiction],
    sector: sectorOf(specs, purpose),
    notice,
    purpose,
    method,
    ...(uiFlow === undefined ? {} : { uiFlow }),
  };
}

function termsOf(
  { consentType = 'expressed', validUntil, ...conditions }: GrantChoice,
  days: number,
): GrantTerms {
  const until = validUntil === undefined ? undefined : instantToMillis(validUntil);
  if (until !== undefined && Number.isNaN(until))
    throw new ChoiceError('validUntil: an instant looks like 2027-01-31T12:00:00Z');
  const privacyFloor = floorOf(conditions);
  return {
    consentType,
    storage: { location: 'device', retention: `P${days}D`, deletion: DELETION },
    ...(until === undefined ? {} : { validUntil: until }),
    ...(privacyFloor === null ? {} : { privacyFloor }),
  };
}

/** What a person states as epsilon means nothing without a delta: this one is what tasks promise by default, in units of 1e-12. */
const DELTA_MAX_PICO = 1e7;
const EPSILON_MOST = 1_000;

function floorOf({
  minCohort,
  maxEpsilon,
}: Pick<GrantChoice, 'minCohort' | 'maxEpsilon'>): PrivacyFloor | null {
  if (minCohort === undefined && maxEpsilon === undefined) return null;
  // Rounded down: a floor is never less strict than it was meant.
  const epsMaxMicro = Math.floor((maxEpsilon ?? 0) * 1e6);
  if (maxEpsilon !== undefined && !(epsMaxMicro >= 1 && maxEpsilon <= EPSILON_MOST))
    throw new ChoiceError('maxEpsilon: a number above 0, at most 1000');
  return {
    ...(minCohort === undefined ? {} : { secAgg: { minCohort } }),
    ...(maxEpsilon === undefined ? {} : { dp: { epsMaxMicro, deltaMaxPico: DELTA_MAX_PICO, unit: 'user' } }),
  };
}

/** A choice that sets terms is made anew, whatever was given before. */
function isNews({ consentType, validUntil, minCohort, maxEpsilon }: GrantChoice): boolean {
  return [consentType, validUntil, minCohort, maxEpsilon].some((term) => term !== undefined);
}

/** Given, and for longer than a day yet: before that, the same choice renews it. */
function isGiven(
  { state, now }: ChoiceContext,
  category: Category,
  purpose: string,
  operation: Operation,
): boolean {
  return isPermitted(findCell(state, category, purpose, operation), now + DAY_MILLIS);
}

function narrow(named: Named, wanted: readonly Category[]): Named {
  return {
    required: named.required.filter((category) => wanted.includes(category)),
    optional: named.optional.filter((category) => wanted.includes(category)),
  };
}

function orderedOperations(wanted: readonly Operation[]): Operation[] {
  const unknown = wanted.find((operation) => !OPERATIONS.includes(operation));
  if (unknown !== undefined || wanted.length === 0)
    throw new ChoiceError('operations: one of them is none, or there are none');
  return OPERATIONS.filter((operation) => wanted.includes(operation));
}
