/** How an erasure that was begun is known again: the last word in the chain says what it is for. */
import { jwsToEvent } from '../consent-chain.ts';
import type { ConsentEntry } from '../store/port.ts';

/** How the withdrawal of an erasure says what it is for, so that an interrupted one is known by it. */
export const ERASURE_METHOD = 'erasure';

/** Whether the last word in this chain is that of an erasure. */
export function isErasing(consents: readonly ConsentEntry[]): boolean {
  const last = consents.at(-1);
  return last !== undefined && jwsToEvent(last.jws).event.method === ERASURE_METHOD;
}
