/** Who contributes to a round: every twin of this keeper that gives leave, has a label, and has the role that the round asks for. */
import { equalBytes } from '@twinkeep/audit';
import type { DecisionReason } from '@twinkeep/consent';
import type { RoundConfig } from '@twinkeep/protocol';
import {
  askContribution,
  readConsentChain,
  type ConsentReadings,
  type Contribution,
} from '../consent-chain.ts';
import { decodeFeatures } from '../features/codec.ts';
import { assembleSet, extractVector, type FeatureVector, type TrainingSet } from '../features/dataset.ts';
import type { FeaturePlan } from '../features/plan.ts';
import type { Role, StoredTwin, TwinStore } from '../store/port.ts';
import type { CheckedRound } from './check.ts';

export interface GatherDeps {
  store: TwinStore;
  plan: FeaturePlan;
  /** Draws the role of a twin that has none in this task; see `drawRole`. */
  draw: () => Role;
  cache: GatherCache;
  /** Milliseconds since 1970. */
  clock: () => number;
}

export interface GatheredTwins {
  trainers: TrainingSet;
  heldOut: TrainingSet;
  /** Twins that stay home, by reason: for the keeper's own eyes. */
  denied: ReadonlyMap<DecisionReason, number>;
  unlabelled: number;
}

const PAGE = 256;

/** @throws FeatureError 'features/other-plan' where a twin's features were kept for other tasks: `refoldTwin` first */
export async function gatherTwins(deps: GatherDeps, round: CheckedRound): Promise<GatheredTwins> {
  const { task, config } = round;
  const denied = new Map<DecisionReason, number>();
  const rows = new Map<string, { leave: Contribution; vector: FeatureVector }>();
  let unlabelled = 0;
  for await (const twin of allTwins(deps.store)) {
    const terms = { cohort: config.nMin, now: deps.clock(), until: config.ackDeadline };
    const leave = askContribution(task, twin.subject, readingsOf(deps, twin), terms);
    if ('denied' in leave) {
      denied.set(leave.denied, (denied.get(leave.denied) ?? 0) + 1);
      continue;
    }
    const vector = vectorOf(deps, round, twin, leave);
    if (vector === null) unlabelled++;
    else rows.set(twin.subject, { leave, vector });
  }
  const roles = await deps.store.drawRoles(task.taskId, [...rows.keys()], deps.draw);
  const ofRole = (role: Role): TrainingSet =>
    assembleSet(
      task,
      [...rows].filter(([subject]) => roles.get(subject) === role).map(([, row]) => row),
    );
  // An evaluating round asks only those who never trained. With noise a training round asks trainers only: a participant's report is one
  // participation, and held-out twins can afford fewer.
  const asked = ROLES_ASKED[config.dp.mech][config.kind];
  const ofAsked = (role: Role): TrainingSet => (asked.includes(role) ? ofRole(role) : assembleSet(task, []));
  return { trainers: ofAsked('train'), heldOut: ofAsked('hold-out'), denied, unlabelled };
}

const ROLES_ASKED: Readonly<Record<RoundConfig['dp']['mech'], Record<RoundConfig['kind'], readonly Role[]>>> =
  {
    none: { train: ['train', 'hold-out'], evaluate: ['hold-out'] },
    'discrete-gaussian': { train: ['train'], evaluate: ['hold-out'] },
  };

/** What earlier rounds have made of a twin, made anew where it changed: in memory only, of one keeper. */
export interface GatherCache {
  readings: Memo<ConsentReadings>;
  vectors: Memo<FeatureVector | null>;
}

type Version = { text: string; bytes: Uint8Array };

interface Memo<T> {
  /** @param version what the value was made of */
  get(key: string, version: Version, make: () => T): T;
}

/** Holds the latest version of each: about 3 kB of readings and 4 bytes per input for every twin. */
export function createGatherCache(): GatherCache {
  return { readings: createMemo(), vectors: createMemo() };
}

function createMemo<T>(): Memo<T> {
  const known = new Map<string, { version: Version; value: T }>();
  return {
    get(key, version, make) {
      const found = known.get(key);
      if (found !== undefined && sameVersion(found.version, version)) return found.value;
      const value = make();
      known.set(key, { version, value });
      return value;
    },
  };
}

/** Stores that keep opened twins in memory give the same bytes again, which saves the comparison. */
function sameVersion(a: Version, b: Version): boolean {
  return a.text === b.text && (a.bytes === b.bytes || equalBytes(a.bytes, b.bytes));
}

const NO_BYTES = new Uint8Array();

/** A consent is named by its hash, so the names and receipts of a chain say whether it is still the one that was read. */
function readingsOf({ cache }: GatherDeps, { subject, consents }: StoredTwin): ConsentReadings {
  const text = consents.map(({ id, receipt }) => `${id} ${receipt?.index}`).join();
  return cache.readings.get(subject, { text, bytes: NO_BYTES }, () => readConsentChain(consents));
}

function vectorOf(
  { plan, cache }: GatherDeps,
  { task, config }: CheckedRound,
  { subject, features }: StoredTwin,
  leave: Contribution,
): FeatureVector | null {
  if (features === null) return null;
  const version = { text: `${config.taskHash} ${[...leave.categories].sort().join()}`, bytes: features };
  return cache.vectors.get(`${task.taskId} ${subject}`, version, () =>
    extractVector(decodeFeatures(features, plan), task, leave),
  );
}

async function* allTwins(store: TwinStore): AsyncGenerator<StoredTwin> {
  let after: string | null = null;
  for (;;) {
    const page: string[] = await store.listTwins(after, PAGE);
    yield* await store.readTwins(page);
    if (page.length < PAGE) return;
    after = page.at(-1) as string;
  }
}
