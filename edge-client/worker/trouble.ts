/** What went wrong, as a reason from the closed lists. Messages of our errors name fields and rules, never values of the person. */
import { TwinkeepError } from '@twinkeep/audit';
import type { StoreErrorCode } from '../store/errors.ts';
import type { RoundTrouble, Unavailable } from '../twin/types.ts';

const OF_STORE: Readonly<Record<StoreErrorCode, Unavailable>> = {
  'store/unavailable': 'no-storage',
  'store/full': 'storage-full',
  'store/corrupt': 'storage-corrupt',
  'store/unreadable': 'storage-corrupt',
  'store/blocked': 'blocked',
  'store/outdated': 'newer-version',
  'store/closed': 'closed',
  // The twin is made when the storage is opened: without it, somebody has cleared the storage.
  'store/unknown-twin': 'storage-lost',
  'store/twin-exists': 'failed',
  'store/binding-taken': 'failed',
  'store/foreign-event': 'failed',
  'store/conflict': 'failed',
  'store/reported': 'failed',
  'store/not-consented': 'failed',
};

/** After these, nothing on this page can help: the twin is not there any more. */
const FINAL: readonly Unavailable[] = [
  'no-storage',
  'storage-corrupt',
  'storage-lost',
  'newer-version',
  'closed',
  'erased',
];

export function unavailableOf(error: unknown): { reason: Unavailable; detail: string } {
  const code = codeOf(error);
  const reason = (OF_STORE as Partial<Record<string, Unavailable>>)[code ?? ''] ?? 'failed';
  return { reason, detail: detailOf(error) };
}

export function isFinal(reason: Unavailable): boolean {
  return FINAL.includes(reason);
}

/** For what the network and the coordinator say to a request. */
export function troubleOf(error: unknown): { reason: RoundTrouble; detail: string } {
  return { reason: reasonOf(codeOf(error) ?? ''), detail: detailOf(error) };
}

function reasonOf(code: string): RoundTrouble {
  if (code === 'auth/proof') return 'clock-off';
  if (code === 'no-credential' || code.startsWith('auth/')) return 'no-credential';
  if (code === 'request/origin') return 'origin-refused';
  if (code === 'task/unknown') return 'task-unknown';
  if (code === 'transport/not-the-coordinator' || code === 'transport/malformed')
    return 'not-the-coordinator';
  if (code.startsWith('transport/') || code === 'request/busy') return 'coordinator-unreachable';
  if (code.startsWith('report/') || code.startsWith('round/')) return 'report-refused';
  if (/^(rows|clip|training|tfjs)\//.test(code)) return 'training-failed';
  return (OF_STORE as Partial<Record<string, Unavailable>>)[code] ?? 'failed';
}

export function codeOf(error: unknown): string | null {
  return error instanceof TwinkeepError ? String(error.code) : null;
}

/** Errors that are not ours may quote what they choked on: their name must do. */
function detailOf(error: unknown): string {
  if (error instanceof TwinkeepError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.name : 'unknown';
}
