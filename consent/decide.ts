import type { Category, Operation } from './category.ts';
import type { CellStatus, Regime } from './regime.ts';
import type { Sector } from './regimes/resolve.ts';
import { decidingEntries } from './cell.ts';
import { findRegime, resolveRegimes, serves, strictestOf } from './regimes/resolve.ts';
import type { CellEntry, ConsentCell, ConsentState } from './state.ts';
import { cellStatusAt, findCell } from './state.ts';

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

/** Why a cell is allowed or denied: all there are. */
export const CELL_REASONS = [
  'consented',
  'not-opted-out',
  'never-asked',
  'not-answered',
  'refused',
  'withdrawn',
  'objected',
  'signal',
  'restricted',
  'revoked',
  'invalidated',
  'notice-outdated',
  'notice-period',
  'guardian-needed',
  'superseded',
  'expired',
  'other-regime',
  'cohort-below-floor',
  'privacy-loss-above-floor',
] as const;

export type CellReason = (typeof CELL_REASONS)[number];

/** Of a denial: the reason of the first required category that is denied. */
export type DecisionReason = CellReason | 'subject-mismatch' | 'no-category-consented';

export interface CellDecision {
  category: Category;
  necessity: 'required' | 'optional';
  allow: boolean;
  reason: CellReason;
  status: CellStatus;
  /** Id of the regime that governs the cell: by where the subject is, the category and the sector. */
  regime: string;
  /** Ids of the events that the answer rests on. */
  events: readonly string[];
  /** Milliseconds from which on time alone may change the answer; null: never. */
  validUntil: number | null;
}

export interface Decision {
  allow: boolean;
  /** Allowed categories, required ones first; empty where `allow` is false. */
  categories: readonly Category[];
  reason: DecisionReason;
  /** Required ones first, in the order of the question. Empty for another subject. */
  cells: readonly CellDecision[];
  /** Until then, time alone changes neither `allow` nor `categories`. Null: ever. */
  validUntil: number | null;
}

/** `at` in milliseconds. `NO_CONSENT`, the state of nobody yet, denies everyone. */
export function decide(question: ConsentQuestion, state: ConsentState, at: number): Decision {
  if (state.subject !== null && state.subject !== question.subject)
    return { allow: false, categories: [], reason: 'subject-mismatch', cells: [], validUntil: null };
  const { required, optional } = question.categories;
  const cells = [
    ...required.map((category) => decideCell(category, 'required', question, state, at)),
    ...optional
      .filter((category) => !required.includes(category))
      .map((category) => decideCell(category, 'optional', question, state, at)),
  ];
  const denied = cells.find((cell) => cell.necessity === 'required' && !cell.allow);
  const allowed = denied === undefined ? cells.filter((cell) => cell.allow) : [];
  const changing = denied === undefined ? cells : cells.filter((cell) => !cell.allow);
  return {
    allow: allowed.length > 0,
    categories: allowed.map((cell) => cell.category),
    reason: denied?.reason ?? allowed[0]?.reason ?? 'no-category-consented',
    cells,
    validUntil: finiteOrNull(Math.min(...changing.map((cell) => cell.validUntil ?? Infinity))),
  };
}

/** False while a no is so fresh that asking again would be nagging. Never stops a subject's own grant. */
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
  const reason = cell === undefined ? 'never-asked' : reasonOf(cell, status, category, question, state, at);
  const allow = reason === 'consented' || reason === 'not-opted-out';
  return {
    category,
    necessity,
    allow,
    reason,
    status,
    regime: strictestOf(resolveRegimes(state.places, category, question.sector)).id,
    events: cell === undefined ? [] : cell.entries.flatMap(eventsOf),
    validUntil: cell === undefined ? null : nextChange(cell, allow, at),
  };
}

const REASON_OF: Readonly<Record<CellStatus, CellReason>> = {
  unknown: 'never-asked',
  requested: 'not-answered',
  deferred: 'not-answered',
  given: 'consented',
  renewed: 'consented',
  allowed: 'not-opted-out',
  noticed: 'notice-period',
  refused: 'refused',
  withdrawn: 'withdrawn',
  objected: 'objected',
  denied_by_signal: 'signal',
  restricted: 'restricted',
  revoked: 'revoked',
  invalidated: 'invalidated',
  stale_notice: 'notice-outdated',
  pending_guardian: 'guardian-needed',
  superseded: 'superseded',
  expired: 'expired',
};

function reasonOf(
  cell: ConsentCell,
  status: CellStatus,
  category: Category,
  question: ConsentQuestion,
  state: ConsentState,
  at: number,
): CellReason {
  // Also of a time before: what is known to have been invalid then was never allowed.
  if (at < cell.invalidBefore) return 'invalidated';
  if (cell.restricted) return 'restricted';
  const reason = REASON_OF[status];
  if (reason !== 'consented' && reason !== 'not-opted-out') return reason;
  if (!servesAll(cell, resolveRegimes(state.places, category, question.sector))) return 'other-regime';
  return checkFloor(cell, question) ?? reason;
}

/** A yes was given under rules; it counts where these demand as much as the law of every place that was ever named. */
function servesAll({ entries }: ConsentCell, required: readonly Regime[]): boolean {
  return decidingEntries(entries).every((entry) => {
    const regime = findRegime(entry.regime);
    return required.every(({ id }) => serves(regime, id));
  });
}

/** Written so that a missing figure, and NaN, fail against any floor that was set. */
function checkFloor(cell: ConsentCell, { cohort = 0, dp }: ConsentQuestion): CellReason | null {
  if (!(cohort >= cell.minCohort)) return 'cohort-below-floor';
  const { epsilon, delta } = dp ?? { epsilon: Infinity, delta: Infinity };
  return epsilon <= cell.epsilonMax && delta <= cell.deltaMax ? null : 'privacy-loss-above-floor';
}

function eventsOf(entry: CellEntry): string[] {
  return entry.void === null ? [entry.event] : [entry.event, entry.void.event];
}

/** What is allowed ends; what is denied can open, when a notice period is over or an invalid past is left behind. */
function nextChange(
  { invalidBefore, opensAt, validUntil }: ConsentCell,
  allow: boolean,
  at: number,
): number | null {
  if (allow) return finiteOrNull(validUntil);
  return finiteOrNull(Math.min(...[invalidBefore, opensAt].filter((time) => at < time), Infinity));
}

function finiteOrNull(millis: number): number | null {
  return Number.isFinite(millis) ? millis : null;
}
