import { TwinkeepError } from '@twinkeep/audit';

export type FeatureErrorCode =
  /** The state was made for another plan, or not by this version: fold the kept events again. */
  | 'features/other-plan'
  | 'features/unreadable'
  /** A day was asked for that is older than what is kept. */
  | 'features/not-kept'
  /** A task was asked for that is not in the plan. */
  | 'features/not-planned';

export class FeatureError extends TwinkeepError<FeatureErrorCode> {
  constructor(code: FeatureErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'FeatureError';
  }
}
