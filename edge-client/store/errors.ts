import { TwinkeepError } from '@twinkeep/audit';

export type StoreErrorCode =
  | 'store/unknown-twin'
  | 'store/twin-exists'
  | 'store/binding-taken'
  | 'store/foreign-event'
  | 'store/conflict'
  | 'store/reported'
  | 'store/unreadable';

/** Messages name no subject and no value: a store holds personal data, and messages end up in logs. */
export class StoreError extends TwinkeepError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'StoreError';
  }
}
