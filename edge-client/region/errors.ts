import { TwinkeepError } from '@twinkeep/audit';

export type RegionErrorCode =
  /** A configuration, trust or key file that cannot be used; the message names file and field. */
  | 'config/unreadable'
  | 'config/invalid'
  /** A mapping or consent file that cannot be used; the message names file and field. */
  | 'mapping/invalid'
  /** Customer data that cannot be imported; the message names file, row and column, never a value. */
  | 'import/unreadable'
  | 'import/encoding'
  | 'import/format'
  | 'import/column-missing'
  | 'import/value'
  | 'import/duplicate'
  | 'import/empty'
  | 'import/no-positives'
  /** A customer or twin that this node does not keep. */
  | 'twin/unknown'
  /** The database was made under another wrapping key, for another helper, or is otherwise not this party's. */
  | 'store/foreign'
  /** A mask helper refuses: the configuration, the set or the moment is not one it may answer for. */
  | 'helper/config'
  | 'helper/set'
  | 'helper/closed'
  /** A mask helper does not say that it answered nothing, because it did. */
  | 'helper/answered'
  /** The audit log is not one log, or does not show what a helper must see of it. */
  | 'helper/log'
  /** The command line is not one of the documented forms. */
  | 'cli/usage';

/** Messages name files, rows, columns and fields, never a customer's value: they end up in terminals and logs. */
export class RegionError extends TwinkeepError<RegionErrorCode> {
  constructor(code: RegionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'RegionError';
  }
}
