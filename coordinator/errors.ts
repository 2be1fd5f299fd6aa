import { TwinkeepError } from '@twinkeep/audit';

/** Why a coordinator does not start. What a request did wrong is a `ProblemError`. */
export type CoordinatorErrorCode =
  | 'config/unreadable'
  | 'config/invalid'
  | 'config/key-mismatch'
  | 'store/foreign-database'
  | 'store/missing-row'
  | 'store/seal-broken';

export class CoordinatorError extends TwinkeepError<CoordinatorErrorCode> {
  constructor(code: CoordinatorErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'CoordinatorError';
  }
}
