/**
 * A twin's consents as its gates read them. Two readings of one chain: what the coordinator has logged, and what the subject has
 * signed so far, logged or not. A withdrawal counts from the moment it is signed, a grant only once it is logged, so whatever
 * leaves the device needs both readings to allow it.
 */
import { base64UrlToBytes, bytesToUtf8, leafToEnvelope } from '@twinkeep/audit';
import {
  decide,
  foldConsents,
  instantToMillis,
  parseConsentEvent,
  type Category,
  type ConsentEvent,
  type ConsentState,
  type DecisionReason,
  type LoggedConsent,
} from '@twinkeep/consent';
import { taskOperation, type TaskSpec } from '@twinkeep/protocol';
import type { ConsentEntry } from './store/port.ts';

export interface ConsentReadings {
  /** Events with a receipt, in log order. */
  logged: ConsentState;
  /** These and, as if they came next, those that are not logged yet. */
  signed: ConsentState;
}

/** @param chain from the twin's own store, in the order of signing. @throws ConsentError where an entry is not a consent event */
export function readConsentChain(chain: readonly ConsentEntry[]): ConsentReadings {
  const logged = chain.filter(({ receipt }) => receipt !== null).map(entryToLogged);
  const next = Math.max(-1, ...logged.map(({ index }) => index)) + 1;
  const pending = chain.filter(({ receipt }) => receipt === null);
  const assumed = pending.map((entry, i): LoggedConsent => {
    const event = jwsToEvent(entry.jws);
    return { id: entry.id, event, index: next + i, receivedAt: instantToMillis(event.event.at) };
  });
  return { logged: foldConsents(logged), signed: foldConsents([...logged, ...assumed]) };
}

declare const permitted: unique symbol;

/** Leave of one twin to lend its data of these categories to a round that ends by `until`. Made only by `askContribution`. */
export interface Contribution {
  readonly subject: string;
  readonly taskId: string;
  readonly categories: ReadonlySet<Category>;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly [permitted]: true;
}

export interface ContributionDenied {
  readonly denied: DecisionReason;
}

export interface RoundTerms {
  /** Fewest twins whose sum will be opened. */
  cohort: number;
  /** Milliseconds: now, and when the coordinator will have asked the same question at the latest. */
  now: number;
  until: number;
}

/** G1: may this twin train for the task and contribute to its round, or be counted in it? Consent that ends before `until` does not count. */
export function askContribution(
  task: TaskSpec,
  subject: string,
  readings: ConsentReadings,
  terms: RoundTerms,
): Contribution | ContributionDenied {
  const { categories: named, purpose, sector } = task;
  const dp =
    task.privacy.mech === 'none' ? {} : { dp: { epsilon: task.privacy.epsilon, delta: task.privacy.delta } };
  const question = { subject, categories: named, purpose, sector, cohort: terms.cohort, ...dp };
  const operation = taskOperation(task);
  const asked = [terms.now, terms.until].flatMap((at) => [
    decide({ ...question, operation }, readings.logged, at),
    decide({ ...question, operation }, readings.signed, at),
    ...(operation === 'contribute'
      ? [decide({ ...question, operation: 'train_local' }, readings.signed, at)]
      : []),
  ]);
  const refusal = asked.find(({ allow }) => !allow);
  if (refusal !== undefined) return { denied: refusal.reason };
  const [first, ...others] = asked;
  const everywhere = (first?.categories ?? []).filter((category) =>
    others.every(({ categories }) => categories.includes(category)),
  );
  const categories: ReadonlySet<Category> = new Set(everywhere);
  return { subject, taskId: task.taskId, categories, until: terms.until } as Contribution;
}

/** Reads a consent from the twin's own store, where its signature was checked or made. */
export function jwsToEvent(jws: string): ConsentEvent {
  return parseConsentEvent(JSON.parse(bytesToUtf8(base64UrlToBytes(jws.split('.')[1] ?? ''))));
}

function entryToLogged({ id, jws, receipt }: ConsentEntry): LoggedConsent {
  const { index = -1, leaf = '' } = receipt ?? {};
  const receivedAt = Date.parse(leafToEnvelope(base64UrlToBytes(leaf)).at);
  return { id, event: jwsToEvent(jws), index, receivedAt };
}
