import { applyStroke, EMPTY_CELL, explainStroke, voidEntries } from './cell.ts';
import type { NoEffect, Stroke } from './cell.ts';
import type { Operation } from './category.ts';
import { LOCAL_OPERATIONS } from './category.ts';
import { ConsentError } from './errors.ts';
import type { ConsentEvent, ConsentGrant, LoggedConsent } from './event.ts';
import { ANY_PURPOSE } from './event.ts';
import { instantToMillis } from './instant.ts';
import { isCellEvent } from './require.ts';
import { findRegime, specificPlaces } from './regimes/resolve.ts';
import type { CellEntry, ConsentCell, ConsentState } from './state.ts';
import { cellNumber, NO_CONSENT } from './state.ts';

// The consent of one subject towards one controller, as a pure function of their logged events.
//
// Each event names by hash what its signer had seen (`prev`, `merges`). In a cell, an event replaces what it has seen,
// directly or through others, as its regime's table says; events that have not seen one another stand side by side, and the
// most restrictive of them decides. So a withdrawal is lifted only by a later grant that has seen it, however the log
// interleaves two devices and whatever their clocks say. Links are followed to events that stand earlier in the log only: no
// event that arrives later can make an earlier grant count for more than it did.
//
// Events are trusted to be verified and to be in the log. What they contain is still under the signer's control.

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

/** Why some line of an event would change nothing if it were logged now, or null where each has its effect. */
export function explainNoEffect(state: ConsentState, logged: LoggedConsent): NoEffect | null {
  const { event } = logged;
  if (!isCellEvent(event.event.type)) return null;
  const strokeOf = readStrokes(state, logged, seenThrough(state, linkedTo(state, event)));
  for (const line of event.grants) {
    for (const operation of line.operations) {
      const number = cellNumber(line.category, operation);
      const cell = cellsFor(state, line.purpose).get(number) ?? baseCell(state, number);
      const why = explainStroke(cell, strokeOf(line, operation));
      if (why !== null) return why;
    }
  }
  return null;
}

type Draft = {
  -readonly [Member in keyof ConsentState]: ConsentState[Member] extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value extends ReadonlyMap<infer Inner, infer Cell> ? Map<Inner, Cell> : Value>
    : ConsentState[Member];
};

function openDraft(state: ConsentState): Draft {
  return {
    ...state,
    links: new Map(state.links),
    cells: new Map([...state.cells].map(([purpose, ofPurpose]) => [purpose, new Map(ofPurpose)])),
    delegations: new Map(state.delegations),
    ended: new Map(state.ended),
    closed: new Map(state.closed),
    keys: new Map(state.keys),
  };
}

function applyToDraft(draft: Draft, logged: LoggedConsent): void {
  const { id, event, index } = logged;
  if (draft.links.has(id)) return;
  requireNext(draft, event, index);
  const linked = linkedTo(draft, event);
  const seen = seenThrough(draft, linked);
  if (isCellEvent(event.event.type)) applyLines(draft, logged, seen);
  else applySubjectEvent(draft, logged, seen);
  draft.subject = event.subject;
  draft.controller = event.controller;
  draft.lastIndex = index;
  const places = specificPlaces(event.jurisdiction);
  if (places.some((place) => !draft.places.includes(place)))
    draft.places = [...new Set([...draft.places, ...places])];
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

function linkedTo({ links }: Pick<ConsentState, 'links'>, { prev, merges = [] }: ConsentEvent): string[] {
  return (prev === null ? merges : [prev, ...merges]).filter((named) => links.has(named));
}

type Seen = ((event: string) => boolean) | null;

/** Whoever has seen every head has seen everything, which is null: the usual case costs nothing. Else the links are walked. */
function seenThrough(
  { heads, links }: Pick<ConsentState, 'heads' | 'links'>,
  linked: readonly string[],
): Seen {
  if (heads.every((head) => linked.includes(head))) return null;
  const seen = new Set(linked);
  // A Set is iterated in insertion order, members added on the way included.
  for (const id of seen) for (const earlier of links.get(id) ?? []) seen.add(earlier);
  return (id) => seen.has(id);
}

function applyLines(draft: Draft, logged: LoggedConsent, seen: Seen): void {
  const { id, event } = logged;
  const strokeOf = readStrokes(draft, logged, seen);
  const voidOf = (entry: CellEntry): CellEntry['void'] =>
    entry.event === id ? voidNow(draft, event) : entry.void;
  // Lines usually differ in category only, so that equal cells become equal cells: a coordinator keeps the states of all
  // its subjects in memory, and one object for them is a seventh of it.
  const made = new Map<ConsentCell, Map<string, ConsentCell>>();
  const draw = (cell: ConsentCell, line: ConsentGrant, operation: Operation): ConsentCell => {
    const stroke = strokeOf(line, operation);
    const key = strokeKey(stroke);
    const drawn = made.get(cell)?.get(key) ?? voidEntries(applyStroke(cell, stroke), voidOf);
    if (!made.has(cell)) made.set(cell, new Map());
    made.get(cell)!.set(key, drawn);
    return drawn;
  };
  for (const line of event.grants) {
    const purposes = line.purpose === ANY_PURPOSE ? [...draft.cells.keys(), ANY_PURPOSE] : [line.purpose];
    for (const purpose of new Set(purposes)) {
      const cells = cellsFor(draft, purpose);
      for (const operation of line.operations) {
        const number = cellNumber(line.category, operation);
        const cell = cells.get(number);
        // A purpose that has no cell of its own yet reads that of every purpose.
        if (cell === undefined && purpose !== line.purpose) continue;
        cells.set(number, draw(cell ?? baseCell(draft, number), line, operation));
      }
      draft.cells.set(purpose, cells);
    }
  }
}

function cellsFor({ cells }: Pick<ConsentState, 'cells'>, purpose: string): Map<number, ConsentCell> {
  const known = cells.get(purpose);
  return known === undefined ? new Map<number, ConsentCell>() : (known as Map<number, ConsentCell>);
}

/** What every purpose starts from. */
function baseCell({ cells }: Pick<ConsentState, 'cells'>, number: number): ConsentCell {
  return cells.get(ANY_PURPOSE)?.get(number) ?? EMPTY_CELL;
}

function readStrokes(
  state: Pick<ConsentState, 'delegations'>,
  logged: LoggedConsent,
  seen: Seen,
): (line: ConsentGrant, operation: Operation) => Stroke {
  const { event } = logged;
  const regime = findRegime(event.regime);
  if (!isCellEvent(event.event.type))
    throw new ConsentError('consent/event-invalid', 'an event without lines');
  const transition = regime.transitions[event.event.type];
  return (line, operation) => {
    const entitled = isEntitled(state, logged, line, operation, seen);
    return { logged, line, operation, regime, transition, seen, entitled };
  };
}

/** Everything in which two strokes of one event on one cell can differ. */
function strokeKey({ line, operation, entitled, regime }: Stroke): string {
  const { state, category, validUntil, privacyFloor, exception } = line;
  return JSON.stringify([
    state,
    validUntil,
    exception,
    LOCAL_OPERATIONS.has(operation) ? null : privacyFloor,
    entitled,
    regime.noticeFirst.includes(category),
  ]);
}

/** Guardians and agents: a delegation that the signer had seen, in its scope and its time. */
function isEntitled(
  { delegations }: Pick<ConsentState, 'delegations'>,
  { event, receivedAt }: LoggedConsent,
  { category, purpose }: ConsentGrant,
  operation: Operation,
  seen: Seen,
): boolean {
  const { by } = event.event;
  if (by !== 'guardian' && by !== 'agent') return true;
  return (delegations.get(event.delegation ?? '') ?? []).some(
    ({ event: named, record }) =>
      (seen === null || seen(named)) &&
      record.role === by &&
      record.categories.includes(category) &&
      (record.purposes.includes(purpose) || record.purposes.includes(ANY_PURPOSE)) &&
      record.operations.includes(operation) &&
      receivedAt < instantToMillis(record.notAfter),
  );
}

function applySubjectEvent(draft: Draft, { id, event }: LoggedConsent, seen: Seen): void {
  const { delegate, delegation, supersedes, key } = event;
  if (delegate !== undefined) {
    const named = draft.delegations.get(delegate.id) ?? [];
    draft.delegations.set(delegate.id, [...named, { event: id, record: delegate }]);
  }
  if (supersedes !== undefined) {
    draft.closed.set(supersedes.record, smaller(draft.closed.get(supersedes.record), id));
    voidWhere(draft, 'superseded', id, ({ record }) => record === supersedes.record);
  }
  if (event.event.type === 'undelegate' && delegation !== undefined) {
    draft.ended.set(delegation, [...(draft.ended.get(delegation) ?? []), id]);
    voidWhere(
      draft,
      'revoked',
      id,
      (entry) => entry.delegation === delegation && seen !== null && !seen(entry.event),
    );
  }
  if (key !== undefined) {
    if (key.retired !== null) draft.keys.set(key.retired, 'retired');
    if (!draft.keys.has(key.added)) draft.keys.set(key.added, 'added');
  }
}

function voidWhere(
  draft: Draft,
  status: 'superseded' | 'revoked',
  event: string,
  isVoid: (entry: CellEntry) => boolean,
): void {
  const voidOf = (entry: CellEntry): CellEntry['void'] =>
    isVoid(entry) ? stricterVoid(entry.void, { status, event }) : entry.void;
  for (const cells of draft.cells.values())
    for (const [number, cell] of cells) cells.set(number, voidEntries(cell, voidOf));
}

/** What has closed an event's record, or ended its delegation, before the log received it: none of that can have seen it. */
function voidNow({ closed, ended }: Draft, { recordId, delegation }: ConsentEvent): CellEntry['void'] {
  const closedBy = closed.get(recordId);
  const ends = delegation === undefined ? [] : (ended.get(delegation) ?? []);
  const found: CellEntry['void'] = closedBy === undefined ? null : { status: 'superseded', event: closedBy };
  return ends.reduce((strictest, event) => stricterVoid(strictest, { status: 'revoked', event }), found);
}

/** By id among equals, so that the log's order decides nothing. */
function stricterVoid(known: CellEntry['void'], found: NonNullable<CellEntry['void']>): CellEntry['void'] {
  if (known === null || known.status !== found.status) return known?.status === 'revoked' ? known : found;
  return { status: known.status, event: smaller(known.event, found.event) };
}

function smaller(known: string | undefined, id: string): string {
  return known === undefined || id < known ? id : known;
}
