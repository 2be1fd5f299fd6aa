/**
 * What a browser's storage answers, as codes of this store. Browsers wrap: a full disk arrives as an aborted transaction whose
 * inner error names the quota, so the whole chain of causes is read. What is not known here goes through as it is, and may mean
 * anything.
 */
import { StoreError, type StoreErrorCode } from '../errors.ts';

/** Another tab was faster than what this method had read: it starts again. Never leaves the store. */
export class StaleError extends Error {}

const CODES: Readonly<Record<string, { code: StoreErrorCode; message: string }>> = {
  QuotaExceededError: { code: 'store/full', message: 'the browser grants no more room' },
  MissingAPIError: { code: 'store/unavailable', message: 'this browser has no IndexedDB here' },
  SecurityError: { code: 'store/unavailable', message: 'storage is forbidden here' },
  DataCloneError: { code: 'store/unavailable', message: 'this browser keeps no keys here' },
  NotSupportedError: { code: 'store/unavailable', message: 'this browser lacks an algorithm' },
  VersionError: { code: 'store/outdated', message: 'the store was upgraded by newer code' },
  DatabaseClosedError: { code: 'store/closed', message: 'the store is closed' },
  UnknownError: { code: 'store/corrupt', message: 'the browser cannot read its storage' },
  NotReadableError: { code: 'store/corrupt', message: 'the browser has lost a part of its storage' },
  DataError: { code: 'store/corrupt', message: 'a stored row has not the form of its table' },
  NotFoundError: { code: 'store/corrupt', message: 'a table is missing' },
};

/** Names that say least stand last: an aborted transaction is explained by what aborted it. */
export function toStoreError(error: unknown): unknown {
  const chain = causesOf(error);
  const own = chain.find((cause) => cause instanceof StoreError || cause instanceof StaleError);
  if (own !== undefined) return own;
  for (const cause of chain) {
    const known = CODES[cause.name];
    if (known !== undefined) return new StoreError(known.code, known.message, { cause: error });
  }
  return error;
}

/**
 * The same for an opening, where a refusal says that nothing can be kept here (private modes of older browsers do so), and where
 * something that was broken off was taken away.
 */
export function toOpenError(error: unknown): unknown {
  const mapped = toStoreError(error);
  if (mapped !== error) return mapped;
  const names = causesOf(error).map(({ name }) => name);
  if (names.some((name) => name === 'InvalidStateError' || name === 'NotAllowedError'))
    return new StoreError('store/unavailable', 'storage is switched off here', { cause: error });
  if (names.includes('AbortError'))
    return new StoreError('store/closed', 'the store was taken away', { cause: error });
  return error;
}

interface Cause {
  name: string;
}

/** The error and what it wraps: `inner` and `failures` of Dexie's errors, `cause` of the others. */
function causesOf(error: unknown): Cause[] {
  const found: Cause[] = [];
  const follow = (cause: unknown): void => {
    if (typeof cause !== 'object' || cause === null || found.includes(cause as Cause) || found.length > 16)
      return;
    found.push(cause as Cause);
    const { inner, failures, cause: deeper } = cause as Record<'inner' | 'failures' | 'cause', unknown>;
    follow(inner);
    follow(deeper);
    if (Array.isArray(failures)) failures.slice(0, 4).forEach(follow);
  };
  follow(error);
  return found;
}
