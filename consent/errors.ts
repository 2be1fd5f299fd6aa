import { TwinkeepError } from '@twinkeep/audit';

export type ConsentErrorCode =
  | 'consent/jws-too-large'
  | 'consent/jws-malformed'
  | 'consent/jws-header-refused'
  | 'consent/jws-type-refused'
  | 'consent/jws-algorithm-refused'
  | 'consent/payload-not-canonical'
  | 'consent/signature-invalid'
  | 'consent/key-refused'
  | 'consent/key-unknown'
  | 'consent/signer-not-entitled'
  | 'consent/event-invalid'
  | 'consent/regime-unknown'
  | 'consent/regime-violated'
  | 'consent/subject-mismatch'
  | 'consent/out-of-order'
  | 'consent/clock-ahead'
  | 'consent/already-expired'
  | 'consent/link-unknown'
  | 'consent/key-retired'
  | 'consent/not-from-here'
  | 'consent/too-soon'
  | 'consent/notice-missing'
  | 'consent/delegation-missing';

/** Messages name fields and rules, never values: a consent event is personal data, and messages end up in logs. */
export class ConsentError extends TwinkeepError<ConsentErrorCode> {
  constructor(code: ConsentErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'ConsentError';
  }
}
