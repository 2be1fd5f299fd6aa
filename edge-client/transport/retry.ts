/** Trying again: exponential back-off with full jitter, so that clients that failed together do not come back together. */
import { bytesToHex } from '@twinkeep/audit';
import type { Random } from '@twinkeep/protocol';
import { isPassing, TransportError } from './errors.ts';

export interface RetryPolicy {
  attempts: number;
  /** Milliseconds: the first back-off is drawn from [0, base], each next one from twice that, up to `longest`. */
  base: number;
  longest: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, base: 500, longest: 30_000 };

/** Resolves after that many milliseconds. @throws TransportError 'transport/aborted' as soon as the signal says so */
export type Sleep = (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;

export const sleep: Sleep = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new TransportError('transport/aborted', 'the caller ended the wait'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });

/** @param attempt from 0; @param atLeast milliseconds that the server asked for */
export function backOff(attempt: number, atLeast: number, policy: RetryPolicy, random: Random): number {
  const window = Math.min(policy.longest, policy.base * 2 ** attempt);
  return atLeast + window * randomShare(random);
}

/**
 * Calls `attempt` until it succeeds, fails for good, or was tried often enough; then what it threw last is thrown.
 * @param retryAfter milliseconds that the last answer asked for
 */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  deps: { policy: RetryPolicy; random: Random; sleep: Sleep; retryAfter: () => number },
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || tried + 1 >= deps.policy.attempts) throw error;
    }
    await deps.sleep(backOff(tried, deps.retryAfter(), deps.policy, deps.random), signal);
  }
}

/** Uniform in [0, 1). */
function randomShare(random: Random): number {
  return Number.parseInt(bytesToHex(random(4)), 16) / 2 ** 32;
}
