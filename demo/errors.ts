/** What stops the demo. Every message is a sentence that says what to do. */
import { TwinkeepError } from '@twinkeep/audit';

export type DemoErrorCode =
  | 'demo/usage'
  | 'demo/input'
  | 'demo/environment'
  | 'demo/in-use'
  | 'demo/postgres'
  | 'demo/party'
  | 'demo/run'
  | 'demo/interrupted';

export class DemoError extends TwinkeepError<DemoErrorCode> {
  constructor(code: DemoErrorCode, message: string) {
    super(code, message);
    this.name = 'DemoError';
  }
}
