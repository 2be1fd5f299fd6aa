/** Brings the features of all twins to the plan of the day: after an import, a new task, or a change of consent. */
import { CATEGORIES } from '@twinkeep/consent';
import {
  admit,
  applyEvent,
  createFeatureState,
  encodeFeatures,
  FeatureError,
  decodeFeatures,
  isAdmitted,
  mayCollect,
  parseEvent,
  readConsentChain,
  type AdmitPolicy,
  type FeatureBytes,
  type FeaturePlan,
  type StoredTwin,
} from '@twinkeep/edge-client/fleet';
import type { RegionStore } from '../store/open.ts';
import type { Refold } from '../store/write.ts';

export interface RefoldDeps {
  store: RegionStore;
  plan: FeaturePlan;
  policy: AdmitPolicy;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Features that were found to be of the plan: the store gives the same bytes until they change. */
  fitting?: WeakSet<FeatureBytes>;
}

const PAGE = 256;

/** @returns how many twins were folded anew */
export async function refoldStaleTwins(deps: RefoldDeps): Promise<number> {
  let refolded = 0;
  let after: string | null = null;
  for (;;) {
    const page: string[] = await deps.store.listTwins(after, PAGE);
    const twins = await deps.store.readTwins(page);
    const stale = twins.filter(({ features }) => !fits(features, deps));
    if (stale.length > 0) await deps.store.refoldTwins(stale.map((twin) => refoldOf(deps, twin)));
    refolded += stale.length;
    if (page.length < PAGE) return refolded;
    after = page.at(-1) as string;
  }
}

function fits(features: FeatureBytes | null, { plan, fitting }: RefoldDeps): boolean {
  if (features === null) return false;
  if (fitting?.has(features) === true) return true;
  try {
    decodeFeatures(features, plan);
    fitting?.add(features);
    return true;
  } catch (error) {
    if (error instanceof FeatureError) return false;
    throw error;
  }
}

/** As the core's `refoldTwin`: every event passes the gate again, and what may no longer be collected is deleted. */
function refoldOf({ plan, policy, clock }: RefoldDeps, { subject, consents }: StoredTwin): Refold {
  const consent = readConsentChain(consents).signed;
  const now = clock();
  return {
    subject,
    forget: CATEGORIES.filter((category) => !mayCollect(category, subject, consent, policy, now)),
    fold(kept) {
      const state = createFeatureState(plan);
      for (const event of kept) {
        const outcome = admit(parseEvent(event), subject, consent, policy, now);
        if (isAdmitted(outcome)) applyEvent(state, outcome);
      }
      return encodeFeatures(state);
    },
  };
}
