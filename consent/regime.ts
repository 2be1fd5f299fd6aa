import type { Category, Operation } from './category.ts';
import type {
  AgeBand,
  CellEventType,
  ConsentActor,
  ConsentGrant,
  ConsentType,
  GlbaException,
  LineState,
} from './event.ts';

// A regime is what one law makes of consent, as data; the tables are in `regimes/`. The functions that read them know no
// law, so that a further regime is a further table. An event names its regime and version for good: a rule that changes
// gets a new version.

/**
 * What a cell is. `unknown`: no event has named it. `expired` and `superseded` are never stored: they are a yes whose time
 * is over, or whose record was closed, when somebody reads it.
 */
export type CellStatus = 'unknown' | Exclude<LineState, 'unrestricted'> | 'expired' | 'superseded';

/** The statuses under which data may be used: a yes (opt-in), or no objection to a notice (opt-out). */
export const PERMITTING_STATUSES: ReadonlySet<CellStatus> = new Set<CellStatus>([
  'given',
  'renewed',
  'allowed',
]);

/**
 * Strictest first. A status higher up can be lifted by no one who could not lift those below it, so that what narrows
 * may replace anything that it has seen from its own rank downwards.
 */
export const STRICTNESS: readonly Exclude<CellStatus, 'unknown' | 'expired'>[] = [
  'restricted',
  'pending_guardian',
  'invalidated',
  'objected',
  'denied_by_signal',
  'revoked',
  'withdrawn',
  'refused',
  'superseded',
  'stale_notice',
  'deferred',
  'requested',
  'noticed',
  'allowed',
  'renewed',
  'given',
];

export interface Transition {
  /** The state that every line of such an event declares; `minors` says which, where there are two. */
  to: readonly LineState[];
  /**
   * Who may sign, and the statuses, as the signer had seen them, from which it takes effect. Elsewhere it changes
   * nothing. What narrows works from any.
   */
  by: Readonly<Partial<Record<ConsentActor, readonly CellStatus[] | 'any'>>>;
  /** Statuses that it takes away although they are stricter than its own. */
  lifts: readonly CellStatus[];
  /** Members that every line must have. */
  required: readonly (keyof ConsentGrant)[];
  /** Days, from receipt, in which the subject is not asked again. */
  coolDownDays: number;
  /** Officers of the controller who must have signed off, where the controller signs. */
  officers: 0 | 1 | 2;
}

/** How a notice alone allows, in an opt-out regime. */
export interface Opening {
  waitDays: number;
  /** Days instead, by exception. */
  waitDaysUnder: Readonly<Partial<Record<GlbaException, number>>>;
  /** What a notice never allows: it takes a grant. */
  butNotCategories: readonly Category[];
  butNotOperations: readonly Operation[];
}

export interface Regime {
  /** Preset and version, as events name it. */
  id: string;
  /** The law, in words. */
  law: string;
  /** Other regimes whose demands a yes under this one meets too. */
  alsoServes: readonly string[];
  transitions: Readonly<Record<CellEventType, Transition>>;
  requiredFor: Readonly<Partial<Record<Category, readonly (keyof ConsentGrant)[]>>>;
  requiredForOperation: Readonly<Partial<Record<Operation, readonly (keyof ConsentGrant)[]>>>;
  /** Of each list, a grant has at least one. */
  requiredOneOf: readonly (readonly (keyof ConsentGrant)[])[];
  legalBases: readonly string[];
  consentTypes: readonly ConsentType[];
  /** Whose yes takes two steps: its method says `confirm`, as in `toggle+confirm`. */
  twoSteps: readonly ConsentActor[];
  /** Categories of which a notice must have been delivered before they can be given. */
  noticeFirst: readonly Category[];
  /** Null: nothing is allowed without a grant. */
  opening: Opening | null;
  validityDays: { usual: number; longest: number };
  /** Ages for which a guardian answers, by place; `default` elsewhere. Older minors are asked again themselves. */
  guardianFor: Readonly<Record<string, readonly AgeBand[]>> & { readonly default: readonly AgeBand[] };
  /** False: one event holds one purpose, one necessity, and sensitive categories alone. */
  compound: boolean;
}

export const DAY_MILLIS: number = 24 * 60 * 60 * 1000;
