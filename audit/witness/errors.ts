import { TwinkeepError } from '@twinkeep/audit';

/** Why a witness does not start. What a request did wrong is a `Refusal`. */
export type WitnessErrorCode =
  | 'config/unreadable'
  | 'config/invalid'
  | 'config/key-exists'
  /** `init` was never run on this database. */
  | 'store/new'
  /** The database is another witness's. */
  | 'store/foreign'
  /** The key may have cosigned under a database that is gone. */
  | 'store/lost';

/** Messages name files and fields, never a value. */
export class WitnessError extends TwinkeepError<WitnessErrorCode> {
  constructor(code: WitnessErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'WitnessError';
  }
}
