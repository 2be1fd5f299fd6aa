import { TwinkeepError } from '@twinkeep/audit';

export type SyntheticErrorCode = 'seed/invalid' | 'population/invalid' | 'population/no-such-customer';

/** A wrong argument, thrown by the call that receives it; nothing was generated. */
export class SyntheticError extends TwinkeepError<SyntheticErrorCode> {
  constructor(code: SyntheticErrorCode, message: string) {
    super(code, message);
    this.name = 'SyntheticError';
  }
}
