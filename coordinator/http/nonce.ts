/**
 * The server nonces of DPoP (RFC 9449 section 8) without state: a MAC of the time window, under a secret that all processes of a coordinator
 * derive from its key. A proof carries a nonce of this window or of one beside it, so a proof made ahead of time, on a machine that
 * an attacker held for a moment, is soon worth nothing.
 */
import { bytesToBase64Url } from '@twinkeep/audit';
import { createHmac, timingSafeEqual } from 'node:crypto';

const WINDOW_MILLIS = 120_000;

export interface Nonces {
  current(): string;
  accepts(nonce: string): boolean;
  /** From now on, milliseconds until no nonce that is accepted now is accepted any more. */
  readonly lifetime: number;
}

/** @param secret 32 bytes; @param clock milliseconds since 1970 */
export function createNonces(secret: Uint8Array, clock: () => number): Nonces {
  const made = new Map<number, string>();
  const nonceOf = (window: number): string => {
    const known = made.get(window);
    if (known !== undefined) return known;
    if (made.size > 8) made.clear();
    const mac = createHmac('sha256', secret).update(`twinkeep/1/nonce\n${window}`).digest();
    const nonce = bytesToBase64Url(mac.subarray(0, 16));
    made.set(window, nonce);
    return nonce;
  };
  const window = (): number => Math.floor(clock() / WINDOW_MILLIS);
  return {
    current: () => nonceOf(window()),
    // The window after this one is that of another process whose clock is ahead.
    accepts: (nonce) => [0, -1, 1].some((offset) => equal(nonce, nonceOf(window() + offset))),
    lifetime: 3 * WINDOW_MILLIS,
  };
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
