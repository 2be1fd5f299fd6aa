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

/** In these the category is used: the `PERMITTING_STATUSES` of `@twinkeep/consent`, without all that comes with it. */
export const IN_FORCE: ReadonlySet<string> = new Set<CellStatus>(['given', 'renewed', 'allowed']);
/** In these the person may be asked: nothing was answered, or the answer no longer counts. */
const OPEN: ReadonlySet<string> = new Set<CellStatus>([
  'unknown',
  'requested',
  'deferred',
  'noticed',
  'expired',
  'stale_notice',
  'superseded',
]);

export function isInForce(status: string): boolean {
  return IN_FORCE.has(status);
}

export function isOpen(status: string): boolean {
  return OPEN.has(status);
}

/** A status that this version has no words for is a no: the gate denies all that it does not know either. */
export type Status = CellStatus | (string & {});
