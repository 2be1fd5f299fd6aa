/** From events to a twin's features, through the gate: what a host app's `record()` and an importer call. */
import { CATEGORIES } from '@twinkeep/consent';
import {
  admit,
  isAdmitted,
  mayCollect,
  parseEvent,
  type AdmitPolicy,
  type AdmittedEvent,
  type RefusalReason,
} from './admit.ts';
import { readConsentChain } from './consent-chain.ts';
import { decodeFeatures, encodeFeatures } from './features/codec.ts';
import type { FeaturePlan } from './features/plan.ts';
import { applyEvent, createFeatureState } from './features/state.ts';
import { StoreError } from './store/errors.ts';
import type { FeatureBytes, TwinStore } from './store/port.ts';

export interface RecordDeps {
  store: TwinStore;
  plan: FeaturePlan;
  policy: AdmitPolicy;
  /** Milliseconds since 1970. */
  clock: () => number;
}

export interface Recorded {
  /** Kept now; the rest was refused, or known already. */
  fresh: number;
  refused: Record<RefusalReason, number>;
}

/**
 * Records events of one twin, in any order. What the gate refuses is counted and dropped.
 * @param inputs unknown objects; @throws EventError where one is not an event, before anything is kept
 */
export async function recordEvents(
  deps: RecordDeps,
  subject: string,
  inputs: readonly unknown[],
): Promise<Recorded> {
  const raw = inputs.map(parseEvent);
  const [twin] = await deps.store.readTwins([subject]);
  if (twin === undefined) throw new StoreError('store/unknown-twin', 'there is no such twin');
  const consent = readConsentChain(twin.consents).signed;
  const now = deps.clock();
  const refused: Recorded['refused'] = { 'not-consented': 0, 'past-retention': 0, 'in-the-future': 0 };
  const admitted: AdmittedEvent[] = [];
  for (const event of raw) {
    const outcome = admit(event, subject, consent, deps.policy, now);
    if (isAdmitted(outcome)) admitted.push(outcome);
    else refused[outcome.refused]++;
  }
  const fresh = await deps.store.recordEvents(subject, admitted, (features, events) =>
    foldInto(features, events, deps.plan),
  );
  return { fresh, refused };
}

/**
 * Makes a twin's features anew from its kept events, for a new plan or after a withdrawal. Every event passes the gate again, and
 * events of categories that the subject no longer allows to be collected are deleted. What only expired events said is gone.
 */
export async function refoldTwin(deps: RecordDeps, subject: string): Promise<void> {
  const [twin] = await deps.store.readTwins([subject]);
  if (twin === undefined) throw new StoreError('store/unknown-twin', 'there is no such twin');
  const consent = readConsentChain(twin.consents).signed;
  const now = deps.clock();
  const gone = CATEGORIES.filter((category) => !mayCollect(category, subject, consent, deps.policy, now));
  await deps.store.refoldEvents(subject, gone, (kept) => {
    const outcomes = kept.map((event) => admit(parseEvent(event), subject, consent, deps.policy, now));
    return foldInto(null, outcomes.filter(isAdmitted), deps.plan);
  });
}

/** @throws FeatureError 'features/other-plan' where the tasks of the day have changed: `refoldTwin` first */
function foldInto(
  features: FeatureBytes | null,
  events: readonly AdmittedEvent[],
  plan: FeaturePlan,
): FeatureBytes {
  const state = features === null ? createFeatureState(plan) : decodeFeatures(features, plan);
  for (const event of events) applyEvent(state, event);
  return encodeFeatures(state);
}
