/** Operations as a person sees them: three things that a twin does, and whatever else was ever asked of somebody. */
import type { CellStatus, Operation } from '@twinkeep/consent';

export type GroupName = 'device' | 'sum' | 'app' | Exclude<Operation, TwinOperation>;
type TwinOperation = 'collect' | 'infer_local' | 'train_local' | 'contribute' | 'personalise';

/** In the order in which they are shown. */
export const GROUP_OF: Readonly<Record<Operation, GroupName>> = {
  collect: 'device',
  infer_local: 'device',
  train_local: 'device',
  contribute: 'sum',
  personalise: 'app',
  decide_significant: 'decide_significant',
  share: 'share',
  sell: 'sell',
  activate_third_party: 'activate_third_party',
  synthesise: 'synthesise',
};

/** What a twin does; everything else is beyond it. */
export const TWIN_USES: readonly GroupName[] = ['device', 'sum', 'app'];

/** In these the category is used: the `PERMITTING_STATUSES` of `@twinkeep/consent`, without all that comes with it. */
export const IN_FORCE: ReadonlySet<string> = new Set<CellStatus>(['given', 'renewed', 'allowed']);
/** In these nobody has said anything that counts. */
const UNANSWERED: ReadonlySet<string> = new Set<CellStatus>([
  'unknown',
  'requested',
  'deferred',
  'noticed',
  'expired',
  'stale_notice',
  'superseded',
]);
const OWN_NO: ReadonlySet<string> = new Set<CellStatus>(['refused', 'withdrawn', 'objected']);
/** In these an opt-out law lets data be used, now or soon, without a yes. */
const OPT_OUT: ReadonlySet<string> = new Set<CellStatus>(['noticed', 'allowed']);

export function isInForce(status: string): boolean {
  return IN_FORCE.has(status);
}

export function isUnanswered(status: string): boolean {
  return UNANSWERED.has(status);
}

/** Whether a no of the person's own is still missing: it may always be said, whatever others have said of the cell. */
export function isRefusable(status: string): boolean {
  return !isInForce(status) && !OWN_NO.has(status);
}

export function isOptOut(status: string): boolean {
  return OPT_OUT.has(status);
}

/** A status that this version has no words for is a no: the gate denies all that it does not know either. */
export type Status = CellStatus | (string & {});
