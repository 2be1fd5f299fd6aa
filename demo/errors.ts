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

const BY_SYSTEM_CODE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Make room (one run takes about 300 MB), then try again.',
  EACCES: 'This account may not write there. Run as the account that owns the folder, or remove .twinkeep.',
  EPERM: 'This account may not do that. Run as the account that owns the folder, or remove .twinkeep.',
  EROFS: 'The file system is read-only. Run the demo in a folder that can be written to.',
  ECONNREFUSED: 'A process of the demo no longer answers. Its log is in .twinkeep/run/logs.',
};

/** For the screen. Where it is nobody's mistake but ours, the whole error. */
export function explain(error: unknown): string {
  if (error instanceof TwinkeepError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: string }).code ?? (error.cause as { code?: string } | undefined)?.code;
  const advice = code === undefined ? undefined : BY_SYSTEM_CODE[code];
  return advice === undefined ? (error.stack ?? error.message) : `${advice}\n(${error.message})`;
}
