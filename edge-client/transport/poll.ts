/** Following a versioned resource by long polls: each read says where things stand, whatever was slept through. */
import { isInTheWay, isPassing, TransportError } from './errors.ts';
import { backOff } from './retry.ts';
import type { Transport } from './transport.ts';

export interface Watch {
  /** Ends the watch; without error, between two states. */
  signal: AbortSignal;
  /** Told what passes, e.g. to log it; the watch goes on. */
  onTrouble?: (error: unknown) => void;
}

/** Yields each state whose revision differs from the last: a coordinator restored from a backup may count anew. */
export async function* pollUntil<T extends { rev: number }>(
  poll: (after: number, signal: AbortSignal) => Promise<T | null>,
  transport: Transport,
  { signal, onTrouble }: Watch,
): AsyncGenerator<T, void> {
  let rev = 0;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const state = await poll(rev, signal);
      failures = 0;
      if (state !== null && state.rev !== rev) {
        rev = state.rev;
        yield state;
      } else {
        await transport.sleep(pause(transport), signal);
      }
    } catch (error) {
      if (error instanceof TransportError && error.code === 'transport/aborted') return;
      if (!isPassing(error) && !isInTheWay(error)) throw error;
      onTrouble?.(error);
      await waitOut(transport, failures++, signal);
    }
  }
}

/** The server owns the pace: an answer without news that came at once must not become a busy loop. */
function pause(transport: Transport): number {
  return backOff(0, transport.retryAfter(), transport.retry, transport.random);
}

async function waitOut(transport: Transport, failures: number, signal: AbortSignal): Promise<void> {
  const wait = backOff(failures, transport.retryAfter(), transport.retry, transport.random);
  try {
    await transport.sleep(wait, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
