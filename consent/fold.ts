import type { Category, Operation } from './category.ts';
import { CATEGORIES, LOCAL_OPERATIONS, OPERATIONS } from './category.ts';
import { ConsentError } from './errors.ts';
import type { CellEventType, ConsentEvent, ConsentGrant, LoggedConsent, PrivacyFloor } from './event.ts';
import { instantToMillis } from './instant.ts';
import type { CellStatus } from './regime.ts';
import { DAY_MILLIS, STRICTNESS } from './regime.ts';
import { findRegime } from './regimes/resolve.ts';

// The consent of one subject towards one controller, as a pure function of their logged events.
//
// Each event names by hash what its signer had seen (`prev`, `merges`). In a cell, an event replaces those it has seen,
// directly or through others; events that have not seen one another stand side by side, and the most restrictive of them
// decides. So a withdrawal is lifted only by a later grant that has seen it, however the log interleaves two devices and
// whatever their clocks say. Links are followed to events that stand earlier in the log only: no event that arrives
// later can make an earlier grant count for more than it did.
//
// Events are trusted to be verified and to be in the log. What they contain is still under the subject's control.

/** What one event says of one cell. Times in milliseconds. */
export interface CellEntry {
  readonly event: string;
  readonly status: Exclude<CellStatus, 'unknown'>;
  readonly regime: string;
  /** First millisecond at which a grant no longer counts; Infinity without end. */
  readonly validUntil: number;
  readonly minCohort: number;
  readonly epsilonMax: number;
  readonly deltaMax: number;
  /** The subject is not asked again before this time. */
  readonly noAskUntil: number;
}

/** The most restrictive of `entries`, member by member. Cells of equal content are one object. */
export interface ConsentCell extends CellEntry {
  /** The events that stand side by side, in log order: one, unless devices acted apart. */
  readonly entries: readonly CellEntry[];
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
}

export const NO_CONSENT: ConsentState = {
  subject: null,
  controller: null,
  lastIndex: -1,
  heads: [],
  links: new Map(),
  cells: new Map(),
};

/** Any order of input: events are applied by log index. Throws what `applyConsent` throws. */
export function foldConsents(events: readonly LoggedConsent[]): ConsentState {
  const draft = openDraft(NO_CONSENT);
  for (const logged of events.toSorted((a, b) => a.index - b.index)) applyToDraft(draft, logged);
  return draft;
}

/**
 * The state after one more event. An event that was applied already changes nothing. Throws `consent/subject-mismatch`
 * for another subject or controller, `consent/out-of-order` for an index before one that was applied, and
 * `consent/regime-unknown`.
 */
export function applyConsent(state: ConsentState, logged: LoggedConsent): ConsentState {
  if (state.links.has(logged.id)) return state;
  const draft = openDraft(state);
  applyToDraft(draft, logged);
  return draft;
}

/** Undefined for a cell that no event has named. */
export function findCell(
  state: ConsentState,
  category: Category,
  purpose: string,
  operation: Operation,
): ConsentCell | undefined {
  return state.cells.get(purpose)?.get(cellNumber(category, operation));
}

export interface NamedCell {
  category: Category;
  purpose: string;
  operation: Operation;
  cell: ConsentCell;
}

/** Every cell that some event has named. */
export function listCells(state: ConsentState): NamedCell[] {
  return [...state.cells.keys()].flatMap((purpose) =>
    CATEGORIES.flatMap((category) =>
      OPERATIONS.flatMap((operation) => {
        const cell = findCell(state, category, purpose, operation);
        return cell === undefined ? [] : [{ category, purpose, operation, cell }];
      }),
    ),
  );
}

interface Draft {
  subject: string | null;
  controller: string | null;
  lastIndex: number;
  heads: string[];
  links: Map<string, readonly string[]>;
  cells: Map<string, Map<number, ConsentCell>>;
}

function openDraft(state: ConsentState): Draft {
  const cells = new Map([...state.cells].map(([purpose, ofPurpose]) => [purpose, new Map(ofPurpose)]));
  return { ...state, heads: [...state.heads], links: new Map(state.links), cells };
}

function applyToDraft(draft: Draft, logged: LoggedConsent): void {
  const { id, event, index } = logged;
  if (draft.links.has(id)) return;
  requireNext(draft, event, index);
  const linked = namedEvents(event).filter((named) => draft.links.has(named));
  const seen = seenThrough(draft, linked);
  const cellAlone = createCells(logged);
  for (const grant of event.grants) {
    const ofPurpose = draft.cells.get(grant.purpose) ?? new Map<number, ConsentCell>();
    draft.cells.set(grant.purpose, ofPurpose);
    for (const operation of grant.operations) {
      const number = cellNumber(grant.category, operation);
      const beside = ofPurpose.get(number)?.entries.filter((entry) => !seen(entry.event)) ?? [];
      const alone = cellAlone(grant, operation);
      ofPurpose.set(number, beside.length === 0 ? alone : combineEntries([...beside, ...alone.entries]));
    }
  }
  draft.subject = event.subject;
  draft.controller = event.controller;
  draft.lastIndex = index;
  draft.heads = [...draft.heads.filter((head) => !linked.includes(head)), id];
  draft.links.set(id, linked);
}

function requireNext(draft: Draft, event: ConsentEvent, index: number): void {
  const foreign =
    draft.subject !== null && (draft.subject !== event.subject || draft.controller !== event.controller);
  if (foreign)
    throw new ConsentError('consent/subject-mismatch', 'a state holds one subject and one controller');
  if (index <= draft.lastIndex)
    throw new ConsentError('consent/out-of-order', 'events are applied in log order');
}

function namedEvents({ prev, merges = [] }: ConsentEvent): string[] {
  return prev === null ? merges : [prev, ...merges];
}

/** Whoever has seen every head has seen everything: the usual case costs nothing. Else the links are walked. */
function seenThrough(draft: Draft, linked: readonly string[]): (id: string) => boolean {
  if (draft.heads.every((head) => linked.includes(head))) return () => true;
  const seen = new Set(linked);
  // A Set is iterated in insertion order, members added on the way included.
  for (const id of seen) for (const earlier of draft.links.get(id) ?? []) seen.add(earlier);
  return (id) => seen.has(id);
}

/**
 * What the event makes of a cell by itself. Its grants usually differ in category only, so their cells are one object: a
 * coordinator keeps the states of all its subjects in memory.
 */
function createCells(logged: LoggedConsent): (grant: ConsentGrant, operation: Operation) => ConsentCell {
  const made = new Map<string, ConsentCell>();
  return (grant, operation) => {
    const floor = LOCAL_OPERATIONS.has(operation) ? undefined : grant.privacyFloor;
    const terms = JSON.stringify([grant.validUntil, floor]);
    const cell = made.get(terms) ?? combineEntries([createEntry(logged, grant, floor)]);
    made.set(terms, cell);
    return cell;
  };
}

function createEntry(
  { id, event, receivedAt }: LoggedConsent,
  grant: ConsentGrant,
  floor?: PrivacyFloor,
): CellEntry {
  const regime = findRegime(event.regime);
  const { coolDownDays } = regime.transitions[event.event.type as CellEventType];
  return {
    event: id,
    status: grant.state as Exclude<CellStatus, 'unknown'>,
    regime: regime.id,
    validUntil: grant.validUntil === undefined ? Infinity : instantToMillis(grant.validUntil),
    minCohort: floor?.secAgg?.minCohort ?? 0,
    // A whole number divided by a power of ten is the double that the decimal fraction itself would be.
    epsilonMax: floor?.dp === undefined ? Infinity : floor.dp.epsMaxMicro / 1e6,
    deltaMax: floor?.dp === undefined ? Infinity : floor.dp.deltaMaxPico / 1e12,
    noAskUntil: coolDownDays === 0 ? 0 : receivedAt + coolDownDays * DAY_MILLIS,
  };
}

function combineEntries(entries: readonly CellEntry[]): ConsentCell {
  const deciding = STRICTNESS.flatMap((status) => entries.filter((entry) => entry.status === status))[0]!;
  return {
    entries,
    event: deciding.event,
    status: deciding.status,
    regime: deciding.regime,
    validUntil: Math.min(...entries.map((entry) => entry.validUntil)),
    minCohort: Math.max(...entries.map((entry) => entry.minCohort)),
    epsilonMax: Math.min(...entries.map((entry) => entry.epsilonMax)),
    deltaMax: Math.min(...entries.map((entry) => entry.deltaMax)),
    noAskUntil: Math.max(...entries.map((entry) => entry.noAskUntil)),
  };
}

const CATEGORY_NUMBERS: ReadonlyMap<Category, number> = new Map(
  CATEGORIES.map((category, i) => [category, i]),
);
const OPERATION_NUMBERS: ReadonlyMap<Operation, number> = new Map(
  OPERATIONS.map((operation, i) => [operation, i]),
);

/** NaN, which is no cell's number, for a word that is no category or no operation. */
function cellNumber(category: Category, operation: Operation): number {
  const row = CATEGORY_NUMBERS.get(category) ?? Number.NaN;
  return row * OPERATIONS.length + (OPERATION_NUMBERS.get(operation) ?? Number.NaN);
}
