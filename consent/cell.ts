import type { Operation } from './category.ts';
import { LOCAL_OPERATIONS } from './category.ts';
import type { ConsentGrant, LoggedConsent } from './event.ts';
import { instantToMillis } from './instant.ts';
import type { CellStatus, Regime, Transition } from './regime.ts';
import { DAY_MILLIS, PERMITTING_STATUSES, STRICTNESS } from './regime.ts';
import { isYes } from './require.ts';
import type { AppliedEvent, CellEntry, ConsentCell } from './state.ts';
import { cellStatusAt } from './state.ts';

// What one event does to one cell. Whether it takes effect is asked of what its signer had seen, never of what the log has
// in store besides: two devices that act apart leave the same cell whichever of them the log hears first.

/** Why an event has no effect on a cell. */
export type NoEffect = 'not-from-here' | 'too-soon' | 'notice-missing' | 'delegation-missing';

/** One line of one event, with all that the cell itself does not know. */
export interface Stroke {
  logged: LoggedConsent;
  line: ConsentGrant;
  operation: Operation;
  regime: Regime;
  transition: Transition;
  /** Null where the event has seen everything. */
  seen: ((event: string) => boolean) | null;
  /** It was signed by who may sign it, under a delegation that holds or none. */
  entitled: boolean;
}

export const EMPTY_CELL: ConsentCell = combineEntries([], []);

export function applyStroke(cell: ConsentCell, stroke: Stroke): ConsentCell {
  const past = pastOf(cell, stroke);
  const { id, event, receivedAt } = stroke.logged;
  const isNotice = event.event.type === 'notify';
  const why = whyNoEffect(past, stroke);
  const entry =
    why === null ? createEntry(stroke, past) : why === 'not-from-here' ? unheardYes(stroke, past) : null;
  if (why !== null && entry === null && !isNotice) return cell;
  const gone = why === null ? past.entries.filter((each) => isReplaced(each, entry, stroke)) : [];
  const replaces = gone.map((each) => each.event);
  const kept = cell.entries.filter((each) => !replaces.includes(each.event));
  return combineEntries(
    entry === null ? kept : [...kept, entry],
    [...cell.history, { event: id, entry, replaces, isNotice }],
    event.event.type === 'invalidate' ? Math.max(cell.invalidBefore, receivedAt) : cell.invalidBefore,
  );
}

/** Why a stroke is not to be drawn: it has no effect, or it asks again too soon. */
export function explainStroke(cell: ConsentCell, stroke: Stroke): NoEffect | null {
  const past = pastOf(cell, stroke);
  const { event, receivedAt } = stroke.logged;
  if (event.event.type === 'request' && receivedAt < past.noAskUntil) return 'too-soon';
  return whyNoEffect(past, stroke);
}

interface Past {
  entries: readonly CellEntry[];
  status: CellStatus;
  since: number;
  noAskUntil: number;
  hasNotice: boolean;
}

/** The cell as the signer had seen it, at the time of receipt. What voids an entry later counts when reading, not here. */
function pastOf(cell: ConsentCell, { seen, logged }: Stroke): Past {
  const history = seen === null ? cell.history : cell.history.filter(({ event }) => seen(event));
  const entries = seen === null ? cell.entries.map(withoutVoid) : standingAmong(history);
  const combined = combineEntries(entries, []);
  return {
    entries,
    status: cellStatusAt(combined, logged.receivedAt),
    since: combined.since,
    noAskUntil: combined.noAskUntil,
    hasNotice: history.some(({ isNotice }) => isNotice),
  };
}

function standingAmong(history: readonly AppliedEvent[]): CellEntry[] {
  const replaced = new Set(history.flatMap(({ replaces }) => replaces));
  return history.flatMap(({ entry }) => (entry === null || replaced.has(entry.event) ? [] : [entry]));
}

function withoutVoid(entry: CellEntry): CellEntry {
  return entry.void === null ? entry : { ...entry, void: null };
}

function whyNoEffect(past: Past, stroke: Stroke): Exclude<NoEffect, 'too-soon'> | null {
  const { logged, line, regime, transition, entitled } = stroke;
  if (isYes(logged.event)) {
    if (!entitled) return 'delegation-missing';
    if (regime.noticeFirst.includes(line.category) && !past.hasNotice) return 'notice-missing';
  }
  const from = transition.by[logged.event.event.by] ?? [];
  return from === 'any' || from.includes(past.status) ? null : 'not-from-here';
}

/**
 * A yes to a cell that its signer could not have opened stands beside the no as if nobody had answered. Were it dropped, a
 * no would have taken something restrictive away, and a history with a further no could allow what it denied without.
 */
function unheardYes(stroke: Stroke, past: Past): CellEntry | null {
  if (!isYes(stroke.logged.event)) return null;
  const { line, ...rest } = stroke;
  const { validUntil: _until, privacyFloor: _floor, ...bare } = line;
  return createEntry({ ...rest, line: { ...bare, state: 'requested' } }, past);
}

/** A restriction lies over the rest and replaces nothing but another; what narrows keeps whatever is stricter. */
function isReplaced(old: CellEntry, entry: CellEntry | null, { transition }: Stroke): boolean {
  if (transition.lifts.includes(old.status)) return true;
  if (entry === null || (old.status === 'restricted') !== (entry.status === 'restricted')) return false;
  return STRICTNESS.indexOf(old.status) >= STRICTNESS.indexOf(entry.status);
}

function createEntry(stroke: Stroke, past: Past): CellEntry | null {
  const { logged, line, operation, regime, transition } = stroke;
  const { id, event, receivedAt } = logged;
  const { state } = line;
  if (state === 'unrestricted' || (event.event.type === 'notify' && regime.opening === null)) return null;
  const floor = LOCAL_OPERATIONS.has(operation) ? undefined : line.privacyFloor;
  const opens = PERMITTING_STATUSES.has(state) || state === 'noticed';
  const wasOpen = PERMITTING_STATUSES.has(past.status) || !opens;
  return {
    event: id,
    status: state,
    regime: regime.id,
    record: event.recordId,
    delegation: event.delegation ?? null,
    since: wasOpen ? past.since : receivedAt,
    opensAt: state === 'noticed' ? receivedAt + waitDays(regime, line) * DAY_MILLIS : 0,
    validUntil: line.validUntil === undefined ? Infinity : instantToMillis(line.validUntil),
    minCohort: floor?.secAgg?.minCohort ?? 0,
    // A whole number divided by a power of ten is the double that the decimal fraction itself would be.
    epsilonMax: floor?.dp === undefined ? Infinity : floor.dp.epsMaxMicro / 1e6,
    deltaMax: floor?.dp === undefined ? Infinity : floor.dp.deltaMaxPico / 1e12,
    noAskUntil: transition.coolDownDays === 0 ? 0 : receivedAt + transition.coolDownDays * DAY_MILLIS,
    void: null,
  };
}

function waitDays({ opening }: Regime, { exception }: ConsentGrant): number {
  if (opening === null) return Infinity;
  const exempt = exception === undefined ? undefined : opening.waitDaysUnder[exception];
  return exempt ?? opening.waitDays;
}

/** A notice opens what nobody has answered: beside an answer it says nothing. */
export function decidingEntries(entries: readonly CellEntry[]): CellEntry[] {
  const answers = entries.filter(({ status }) => status !== 'restricted');
  const isAnswered = answers.some(({ status }) => status === 'given' || status === 'renewed');
  return isAnswered ? answers.filter(({ status }) => status !== 'allowed' && status !== 'noticed') : answers;
}

export function combineEntries(
  entries: readonly CellEntry[],
  history: readonly AppliedEvent[],
  invalidBefore = 0,
): ConsentCell {
  const answers = decidingEntries(entries);
  const statuses = new Set(answers.map((entry) => entry.void?.status ?? entry.status));
  return {
    entries,
    history,
    status: STRICTNESS.find((status) => statuses.has(status)) ?? 'unknown',
    restricted: entries.some(({ status }) => status === 'restricted'),
    invalidBefore,
    since: Math.min(Infinity, ...answers.map((entry) => entry.since)),
    opensAt: Math.max(0, ...answers.map((entry) => entry.opensAt)),
    validUntil: Math.min(Infinity, ...answers.map((entry) => entry.validUntil)),
    minCohort: Math.max(0, ...answers.map((entry) => entry.minCohort)),
    epsilonMax: Math.min(Infinity, ...answers.map((entry) => entry.epsilonMax)),
    deltaMax: Math.min(Infinity, ...answers.map((entry) => entry.deltaMax)),
    noAskUntil: Math.max(0, ...answers.map((entry) => entry.noAskUntil)),
  };
}

/** The same cell, with those of its entries void that `voidOf` names. */
export function voidEntries(cell: ConsentCell, voidOf: (entry: CellEntry) => CellEntry['void']): ConsentCell {
  const entries = cell.entries.map((entry) => {
    const found = canBeVoid(entry) ? voidOf(entry) : null;
    return found === null ? entry : { ...entry, void: found };
  });
  if (entries.every((entry, i) => entry === cell.entries[i])) return cell;
  return combineEntries(entries, cell.history, cell.invalidBefore);
}

function canBeVoid({ status }: CellEntry): boolean {
  return status === 'noticed' || PERMITTING_STATUSES.has(status);
}
