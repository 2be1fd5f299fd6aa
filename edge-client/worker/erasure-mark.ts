/** How an erasure that was begun is known again: the last word in the chain says what it is for. */
import { base64UrlToBytes, utf8ToBytes } from '@twinkeep/audit';
import type { SigningKey } from '@twinkeep/protocol';
import { jwsToEvent } from '../consent-chain.ts';
import type { ConsentEntry } from '../store/port.ts';

/** How the withdrawal of an erasure says what it is for, so that an interrupted one is known by it. */
export const ERASURE_METHOD = 'erasure';

/**
 * Whether the last word in this chain is that of an erasure, and this device's own. What another device of the person erases there is
 * withdrawn here and no more; and since a no is taken in unsigned, a coordinator could otherwise end a twin with one that it made up.
 */
export async function isErasing(
  consents: readonly ConsentEntry[],
  { publicKey }: SigningKey,
): Promise<boolean> {
  const last = consents.at(-1);
  if (last === undefined || jwsToEvent(last.jws).event.method !== ERASURE_METHOD) return false;
  return isSignedBy(publicKey, last.jws);
}

/** By the browser's own cryptography: this is asked when a page starts, where every kilobyte counts. */
async function isSignedBy(publicKey: Uint8Array, jws: string): Promise<boolean> {
  const end = jws.lastIndexOf('.');
  const key = await crypto.subtle.importKey('raw', publicKey.slice(), 'Ed25519', false, ['verify']);
  try {
    const signature = base64UrlToBytes(jws.slice(end + 1)).slice();
    return await crypto.subtle.verify('Ed25519', key, signature, utf8ToBytes(jws.slice(0, end)).slice());
  } catch {
    // Not even base64url: of a stranger.
    return false;
  }
}
