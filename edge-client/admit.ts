/**
 * G0, the first door: nothing enters a twin's store unless its subject consents to collecting that category at that moment.
 * `AdmittedEvent` can be made only here, and the store and the features take nothing else.
 *
 * Who controls an input: events come from the host app or an importer, and are bounded and checked by `parseEvent`; the
 * consent state is the fold of the subject's own signed events.
 */
import { TwinkeepError } from '@twinkeep/audit';
import {
  compileGate,
  DAY_MILLIS,
  type Category,
  type ConsentState,
  type ConsentUse,
  type Gate,
} from '@twinkeep/consent';
import { customerEventSchema, firstIssue, type CustomerEvent } from '@twinkeep/protocol';
import * as v from 'valibot';

declare const raw: unique symbol;
declare const admitted: unique symbol;

/** Parsed and bounded; nobody has asked for consent yet. */
export interface RawEvent {
  readonly event: CustomerEvent;
  readonly [raw]: true;
}

/** May be stored for `subject` until the end of day `lastDay`. */
export interface AdmittedEvent {
  readonly subject: string;
  readonly event: CustomerEvent;
  /** Days since 1970-01-01 UTC. */
  readonly lastDay: number;
  readonly [admitted]: true;
}

export type RefusalReason = 'not-consented' | 'past-retention' | 'in-the-future';

/** The event is dropped; a caller may count refusals and must not keep what was refused. */
export interface Refusal {
  readonly refused: RefusalReason;
}

export class EventError extends TwinkeepError<'event/malformed'> {
  constructor(message: string) {
    super('event/malformed', message);
    this.name = 'EventError';
  }
}

export interface AdmitPolicy {
  /** What this keeper of twins collects for; consent for one of them is enough. */
  uses: readonly ConsentUse[];
  /** Days that an event of a category is kept, from its own time on. */
  retentionDays: Readonly<Record<Category, number>>;
}

/** Room for a source whose clock is ahead of this one. */
const MAX_CLOCK_LEAD = 10 * 60_000;

/** @throws EventError that names the field, never its value */
export function parseEvent(input: unknown): RawEvent {
  const parsed = v.safeParse(customerEventSchema, input);
  if (!parsed.success) throw new EventError(`the event is not as documented: ${firstIssue(parsed.issues)}`);
  return { event: parsed.output } as RawEvent;
}

/** @param now milliseconds since 1970 */
export function admit(
  { event }: RawEvent,
  subject: string,
  consent: ConsentState,
  policy: AdmitPolicy,
  now: number,
): AdmittedEvent | Refusal {
  const time = Date.parse(event.time);
  if (time > now + MAX_CLOCK_LEAD) return { refused: 'in-the-future' };
  const lastDay = Math.floor(time / DAY_MILLIS) + policy.retentionDays[event.category];
  if (lastDay < Math.floor(now / DAY_MILLIS)) return { refused: 'past-retention' };
  if (!mayCollect(event.category, subject, consent, policy, now)) return { refused: 'not-consented' };
  return { subject, event, lastDay } as AdmittedEvent;
}

export function isAdmitted(outcome: AdmittedEvent | Refusal): outcome is AdmittedEvent {
  return !('refused' in outcome);
}

/** Does this subject allow events of the category to be collected now, for any of the uses? */
export function mayCollect(
  category: Category,
  subject: string,
  consent: ConsentState,
  policy: AdmitPolicy,
  now: number,
): boolean {
  if (consent.subject !== subject) return false;
  return gatesOf(category, subject, consent, policy).some((gate) => gate(now).allow);
}

/**
 * One decision serves all events that arrive until a consent event or its own end changes it. Kept with the state itself, which never
 * changes: a new event makes a new state, and the gates of the old one are forgotten with it.
 */
const GATES = new WeakMap<ConsentState, WeakMap<AdmitPolicy, Map<Category, readonly Gate[]>>>();

function gatesOf(
  category: Category,
  subject: string,
  consent: ConsentState,
  policy: AdmitPolicy,
): readonly Gate[] {
  const known = GATES.get(consent)?.get(policy)?.get(category);
  if (known !== undefined) return known;
  const ofState = GATES.get(consent) ?? new WeakMap<AdmitPolicy, Map<Category, readonly Gate[]>>();
  const ofPolicy = ofState.get(policy) ?? new Map<Category, readonly Gate[]>();
  const gates = compileGates(category, subject, consent, policy);
  GATES.set(consent, ofState.set(policy, ofPolicy.set(category, gates)));
  return gates;
}

function compileGates(
  category: Category,
  subject: string,
  consent: ConsentState,
  { uses }: AdmitPolicy,
): Gate[] {
  const categories = { required: [category], optional: [] };
  return uses.map(({ purpose, sector }) =>
    compileGate({ subject, categories, purpose, sector, operation: 'collect' }, consent),
  );
}
