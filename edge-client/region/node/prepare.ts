/**
 * What a node brings up to date before a round: what others said of its customers' consents, features of new twins, lapsed events, and, in
 * demos, planned withdrawals.
 */
import {
  refoldTwin,
  type AdmitPolicy,
  type FeatureBytes,
  type FeaturePlan,
  type Inbox,
} from '@twinkeep/edge-client/fleet';
import type { RoundOffer, TaskSpec } from '@twinkeep/protocol';
import { withdrawConsent } from '../consent/withdraw.ts';
import type { Logger } from '../process/logger.ts';
import type { Changes } from './changes.ts';
import { refoldStaleTwins } from './features.ts';
import type { Region } from './open.ts';

export interface PrepareDeps {
  region: Region;
  inbox: Inbox;
  plan: FeaturePlan;
  policy: AdmitPolicy;
  changes: Changes;
  log: Logger;
  /** Milliseconds since 1970. */
  clock: () => number;
}

const DAY_MILLIS = 86_400_000;
/** A notice that was lost costs no more than this. */
const RESCAN_MILLIS = 60_000;

export function createPreparation(deps: PrepareDeps): (task: TaskSpec, offer: RoundOffer) => Promise<void> {
  const { region, inbox, plan, policy, changes, log, clock } = deps;
  const fitting = new WeakSet<FeatureBytes>();
  let seen = -1;
  let scannedAt = 0;
  let expiredOn = 0;

  /** The help desk, a guardian, the customer's own device: what they took back is deleted here before anything is trained on it. */
  async function heedOthers(): Promise<void> {
    const { added, leftOut } = await inbox.read();
    const subjects = new Set(added.map(({ subject }) => subject));
    for (const subject of subjects) await refoldTwin({ store: region.store, plan, policy, clock }, subject);
    if (added.length > 0)
      log.info({ events: added.length, twins: subjects.size }, 'consents that others signed');
    if (leftOut > 0) log.warn({ events: leftOut }, 'consents that nothing vouches for are left out');
  }

  async function expireEvents(): Promise<void> {
    const today = Math.floor(clock() / DAY_MILLIS);
    if (today === expiredOn) return;
    const expired = await region.store.expireEvents(today);
    if (expired > 0) log.info({ expired }, 'events are past their retention');
    expiredOn = today;
  }

  async function refold(): Promise<void> {
    if (changes.count() === seen && clock() < scannedAt + RESCAN_MILLIS) return;
    seen = changes.count();
    scannedAt = clock();
    const refolded = await refoldStaleTwins({ store: region.store, plan, policy, clock, fitting });
    if (refolded > 0) log.info({ refolded }, 'features are brought up to date');
  }

  return async (task, offer) => {
    const config = offer.config?.statement.body;
    if (offer.phase !== 'collecting' || config === undefined) return;
    await heedOthers();
    await expireEvents();
    if (region.config.seed !== undefined) await withdrawDue(deps, (config.round - 1) / task.rounds);
    await refold();
  };
}

/** Demos only. The first task that gets that far takes the plan. */
async function withdrawDue({ region, log }: PrepareDeps, share: number): Promise<void> {
  const due = await region.store.takeDueWithdrawals(share);
  for (const subject of due)
    await withdrawConsent(region, subject, [
      { kind: 'demo', value: 'planned withdrawal of an invented customer' },
    ]);
  if (due.length > 0) log.info({ withdrawn: due.length }, 'planned withdrawals');
}
