import type { Category, Operation } from './category.ts';
import type { ConsentCell, ConsentState } from './fold.ts';
import { findCell } from './fold.ts';
import type { CellStatus } from './regime.ts';
import { GDPR_OPTIN } from './regimes/gdpr.ts';
import type { Sector } from './regimes/resolve.ts';

// The gate. Pure, without clock or store, so that the edge, the coordinator, the console and an auditor who replays a
// round from the log get the same answer. Whatever is not clearly allowed is denied.

/** What data is wanted for, and in which sector of the economy: the law asks for both. */
export interface ConsentUse {
  /** IRI, compared as a string: no purpose implies another. */
  purpose: string;
  /** Of the controller; decides, together with where the subject is, which regime counts. */
  sector: Sector;
}

export interface ConsentQuestion extends ConsentUse {
  subject: string;
  /** Without a required category nothing goes ahead; an optional one that is not consented to is left out. */
  categories: { required: readonly Category[]; optional: readonly Category[] };
  operation: Operation;
  /** Fewest twins whose sum will be opened. A subject who set a smallest cohort is denied where this is missing. */
  cohort?: number;
  /** Privacy loss per user that the subject will have spent when it is done. Missing: denied to who set a largest one. */
  dp?: { epsilon: number; delta: number };
}

export type CellReason =
  | 'consented'
  | 'never-asked'
  | 'refused'
  | 'withdrawn'
  | 'expired'
  | 'cohort-below-floor'
  | 'privacy-loss-above-floor';

/** Of a denial: the reason of the first required category that is denied. */
export type DecisionReason = CellReason | 'subject-mismatch' | 'no-category-consented';

export interface CellDecision {
  category: Category;
  necessity: 'required' | 'optional';
  allow: boolean;
  reason: CellReason;
  status: CellStatus;
  regime: string;
  /** Ids of the events that the answer rests on. */
  events: readonly string[];
  /** Milliseconds from which on an allowed cell is denied by time alone; null where never, or denied already. */
  validUntil: number | null;
}

export interface Decision {
  allow: boolean;
  /** Allowed categories, required ones first; empty where `allow` is false. */
  categories: readonly Category[];
  reason: DecisionReason;
  /** Required ones first, in the order of the question. Empty for another subject. */
  cells: readonly CellDecision[];
  /** The earliest `validUntil` of the allowed cells: until then, time alone changes nothing. Null as there. */
  validUntil: number | null;
}

/** `at` in milliseconds. `NO_CONSENT`, the state of nobody yet, denies everyone. */
export function decide(question: ConsentQuestion, state: ConsentState, at: number): Decision {
  if (state.subject !== null && state.subject !== question.subject) return denial('subject-mismatch', []);
  const { required, optional } = question.categories;
  const cells = [
    ...required.map((category) => decideCell(category, 'required', question, state, at)),
    ...optional
      .filter((category) => !required.includes(category))
      .map((category) => decideCell(category, 'optional', question, state, at)),
  ];
  const denied = cells.find((cell) => cell.necessity === 'required' && !cell.allow);
  if (denied !== undefined) return denial(denied.reason, cells);
  const allowed = cells.filter((cell) => cell.allow);
  if (allowed.length === 0) return denial('no-category-consented', cells);
  return {
    allow: true,
    categories: allowed.map((cell) => cell.category),
    reason: 'consented',
    cells,
    validUntil: finiteOrNull(Math.min(...allowed.map((cell) => cell.validUntil ?? Infinity))),
  };
}

/** Expiry is nobody's event: it is compared here, each time, so that no timer has to run for it to hold. */
export function cellStatusAt(cell: ConsentCell | undefined, at: number): CellStatus {
  if (cell === undefined) return 'unknown';
  return cell.status === 'given' && !(at < cell.validUntil) ? 'expired' : cell.status;
}

/** False while a refusal or a withdrawal is so fresh that asking again would be nagging. Never stops a subject's own grant. */
export function mayAsk(
  { category, purpose, operation }: { category: Category; purpose: string; operation: Operation },
  state: ConsentState,
  at: number,
): boolean {
  const cell = findCell(state, category, purpose, operation);
  return cell === undefined || at >= cell.noAskUntil;
}

function decideCell(
  category: Category,
  necessity: 'required' | 'optional',
  question: ConsentQuestion,
  state: ConsentState,
  at: number,
): CellDecision {
  const cell = findCell(state, category, question.purpose, question.operation);
  const status = cellStatusAt(cell, at);
  const reason =
    cell === undefined || status === 'unknown'
      ? 'never-asked'
      : status === 'given'
        ? checkFloor(cell, question)
        : (status as CellReason);
  const allow = reason === 'consented';
  return {
    category,
    necessity,
    allow,
    reason,
    status,
    regime: cell?.regime ?? GDPR_OPTIN.id,
    events: cell === undefined ? [] : cell.entries.map((entry) => entry.event),
    validUntil: allow ? finiteOrNull(cell!.validUntil) : null,
  };
}

/** Written so that a missing figure, and NaN, fail against any floor that was set. */
function checkFloor(cell: ConsentCell, { cohort = 0, dp }: ConsentQuestion): CellReason {
  if (!(cohort >= cell.minCohort)) return 'cohort-below-floor';
  const { epsilon, delta } = dp ?? { epsilon: Infinity, delta: Infinity };
  return epsilon <= cell.epsilonMax && delta <= cell.deltaMax ? 'consented' : 'privacy-loss-above-floor';
}

function denial(reason: DecisionReason, cells: readonly CellDecision[]): Decision {
  return { allow: false, categories: [], reason, cells, validUntil: null };
}

function finiteOrNull(millis: number): number | null {
  return Number.isFinite(millis) ? millis : null;
}
