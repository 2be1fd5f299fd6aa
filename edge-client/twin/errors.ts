import { TwinkeepError } from '@twinkeep/audit';

export type TwinErrorCode =
  /** `createTwin` was given options that cannot work: a mistake in the host app, named in the message. */
  'twin/options';

export class TwinError extends TwinkeepError<TwinErrorCode> {
  constructor(code: TwinErrorCode, message: string) {
    super(code, message);
    this.name = 'TwinError';
  }
}
