import type { Operation } from '@twinkeep/consent';

/**
 * What a twin needs to do all that it can: take signals in, guess, learn, lend its share of a sum, and let the host app act on a
 * guess. What a grant covers unless it says otherwise, so the notice must name all five.
 */
export const TWIN_OPERATIONS: readonly Operation[] = [
  'collect',
  'infer_local',
  'train_local',
  'contribute',
  'personalise',
];
