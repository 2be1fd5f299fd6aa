/** Randomness from the platform, without libsodium: a page that only signs loads none. */

/** `getRandomValues` gives no more at a time (Web Cryptography API). */
const MAX_DRAW = 65_536;

/** A source of cryptographic randomness: n bytes. Production compositions pass `randomBytes`; tests may pass a list. */
export type Random = (n: number) => Uint8Array;

/** From the platform's CSPRNG directly: libsodium's wrapper asks it for four bytes at a time. */
export function randomBytes(n: number): Uint8Array {
  const bytes = new Uint8Array(n);
  for (let at = 0; at < n; at += MAX_DRAW) crypto.getRandomValues(bytes.subarray(at, at + MAX_DRAW));
  return bytes;
}
