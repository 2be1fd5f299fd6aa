import type { Category, Operation } from './category.ts';
import { CATEGORIES, OPERATIONS } from './category.ts';
import type { DelegationRecord } from './event.ts';
import { ANY_PURPOSE } from './event.ts';
import type { CellStatus } from './regime.ts';
import { PERMITTING_STATUSES } from './regime.ts';

// What the events of one subject towards one controller amount to. Made by `fold.ts`, read by `decide.ts`.

/** What one event says of one cell. Times in milliseconds. */
export interface CellEntry {
  readonly event: string;
  readonly status: Exclude<CellStatus, 'unknown' | 'expired' | 'superseded'>;
  readonly regime: string;
  /** `recordId` of the event, and the delegation it was signed under, if any. */
  readonly record: string;
  readonly delegation: string | null;
  /** Receipt of the first yes of those that lead here without a break: since when data may have been used. Infinity: never. */
  readonly since: number;
  /** From when a notice allows; 0 for everything else. */
  readonly opensAt: number;
  /** First millisecond at which a yes no longer counts; Infinity without end. */
  readonly validUntil: number;
  readonly minCohort: number;
  readonly epsilonMax: number;
  readonly deltaMax: number;
  /** The subject is not asked again before this time. */
  readonly noAskUntil: number;
  /** What became of it without an event that answers it: its record was closed, or its delegation ended unseen. */
  readonly void: { readonly status: 'superseded' | 'revoked'; readonly event: string } | null;
}

/** An event that had an effect on a cell; what it replaced stood in its own past. */
export interface AppliedEvent {
  readonly event: string;
  /** Null: it only took away, or only delivered a notice. */
  readonly entry: CellEntry | null;
  readonly replaces: readonly string[];
  readonly isNotice: boolean;
}

/** The most restrictive of `entries`, member by member. Cells of equal content are one object. */
export interface ConsentCell {
  /** The events that stand side by side, in log order: one, unless devices acted apart or somebody keeps a no. */
  readonly entries: readonly CellEntry[];
  /** All that had an effect, in log order. */
  readonly history: readonly AppliedEvent[];
  readonly status: CellStatus;
  /** GDPR Article 18: beside whatever the status is. */
  readonly restricted: boolean;
  /** Nothing before this time is or was allowed, whatever is given later; 0: nothing was invalidated. */
  readonly invalidBefore: number;
  readonly since: number;
  readonly opensAt: number;
  readonly validUntil: number;
  readonly minCohort: number;
  readonly epsilonMax: number;
  readonly deltaMax: number;
  readonly noAskUntil: number;
}

export interface Delegation {
  /** The `delegate` event. */
  readonly event: string;
  readonly record: DelegationRecord;
}

export interface ConsentState {
  /** Null as long as no event was applied. */
  readonly subject: string | null;
  readonly controller: string | null;
  /** Log index of the last event applied, -1 before the first. */
  readonly lastIndex: number;
  /** Ids of the events that no other has seen, in log order. More than one: devices acted apart, see `linkToHeads`. */
  readonly heads: readonly string[];
  /** For each event applied, those events it names that were applied before it. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  /** By purpose, then by a number for category and operation: read through `findCell` and `listCells`. */
  readonly cells: ReadonlyMap<string, ReadonlyMap<number, ConsentCell>>;
  /** Every place that an event named as the subject's; each brings its law, none takes one away. */
  readonly places: readonly string[];
  /** By id; more than one where an id was used twice. */
  readonly delegations: ReadonlyMap<string, readonly Delegation[]>;
  /** Ends of delegations: by id, the `undelegate` events. */
  readonly ended: ReadonlyMap<string, readonly string[]>;
  /** Closed records, each with the `supersede` event that closed it. */
  readonly closed: ReadonlyMap<string, string>;
  /** Keys of the subject that an event took out of use or put into it, by thumbprint. */
  readonly keys: ReadonlyMap<string, 'added' | 'retired'>;
}

export const NO_CONSENT: ConsentState = {
  subject: null,
  controller: null,
  lastIndex: -1,
  heads: [],
  links: new Map(),
  cells: new Map(),
  places: [],
  delegations: new Map(),
  ended: new Map(),
  closed: new Map(),
  keys: new Map(),
};

/** Undefined for a cell that no event has named, itself or among every purpose. */
export function findCell(
  { cells }: ConsentState,
  category: Category,
  purpose: string,
  operation: Operation,
): ConsentCell | undefined {
  const number = cellNumber(category, operation);
  return cells.get(purpose)?.get(number) ?? cells.get(ANY_PURPOSE)?.get(number);
}

export interface NamedCell {
  category: Category;
  purpose: string;
  operation: Operation;
  cell: ConsentCell;
}

/** Every cell that some event has named; `ANY_PURPOSE` among the purposes where one named all. */
export function listCells(state: ConsentState): NamedCell[] {
  return [...state.cells.keys()].flatMap((purpose) =>
    CATEGORIES.flatMap((category) =>
      OPERATIONS.flatMap((operation) => {
        const cell = state.cells.get(purpose)?.get(cellNumber(category, operation));
        return cell === undefined ? [] : [{ category, purpose, operation, cell }];
      }),
    ),
  );
}

/** Expiry is nobody's event, nor is the end of a notice period: both are compared here, each time, so that no timer has to run. */
export function cellStatusAt(
  cell: Pick<ConsentCell, 'status' | 'opensAt' | 'validUntil'> | undefined,
  at: number,
): CellStatus {
  if (cell === undefined) return 'unknown';
  const status = cell.status === 'noticed' && at >= cell.opensAt ? 'allowed' : cell.status;
  return PERMITTING_STATUSES.has(status) && !(at < cell.validUntil) ? 'expired' : status;
}

/** May data be used at all under this cell? Conditions and regimes are `decide`'s. */
export function isPermitted(cell: ConsentCell | undefined, at: number): cell is ConsentCell {
  return cell !== undefined && !cell.restricted && PERMITTING_STATUSES.has(cellStatusAt(cell, at));
}

/** Was a notice about the cell ever delivered? */
export function hasNotice(cell: ConsentCell | undefined): boolean {
  return cell !== undefined && cell.history.some(({ isNotice }) => isNotice);
}

const CATEGORY_NUMBERS: ReadonlyMap<Category, number> = new Map(
  CATEGORIES.map((category, i) => [category, i]),
);
const OPERATION_NUMBERS: ReadonlyMap<Operation, number> = new Map(
  OPERATIONS.map((operation, i) => [operation, i]),
);

/** NaN, which is no cell's number, for a word that is no category or no operation. */
export function cellNumber(category: Category, operation: Operation): number {
  const row = CATEGORY_NUMBERS.get(category) ?? Number.NaN;
  return row * OPERATIONS.length + (OPERATION_NUMBERS.get(operation) ?? Number.NaN);
}
