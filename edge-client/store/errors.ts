import { TwinkeepError } from '@twinkeep/audit';

export type StoreErrorCode =
  | 'store/unknown-twin'
  | 'store/twin-exists'
  | 'store/binding-taken'
  | 'store/foreign-event'
  | 'store/conflict'
  | 'store/reported'
  | 'store/unreadable'
  /** The consent gate below all queries refused to write a row. */
  | 'store/not-consented'
  /** This browser, or this mode of it, keeps nothing: no IndexedDB, no WebCrypto, storage forbidden. */
  | 'store/unavailable'
  /** The quota of this origin, or the disk, is used up. */
  | 'store/full'
  /** What is stored is damaged; erasing it is the only way on. */
  | 'store/corrupt'
  /** Another tab holds on to an older version of the store. */
  | 'store/blocked'
  /** The store was upgraded by newer code than this: reload. */
  | 'store/outdated'
  /** This handle is closed: by its owner, by an erasure or upgrade in another tab, or because the browser took the storage away. */
  | 'store/closed';

/** Messages name no subject and no value: a store holds personal data, and messages end up in logs. */
export class StoreError extends TwinkeepError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'StoreError';
  }
}
