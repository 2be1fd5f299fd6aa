// What verification of signatures alone would allow: as the coordinator does it, many at a time.
import { createSigningKey } from '@twinkeep/protocol';

const AT_A_TIME = 64;
const MILLIS = 1_500;
/** About as long as a consent event. */
const BYTES = 1_200;

/** @returns verifications a second on all processors */
export async function measureVerify() {
  const key = await createSigningKey();
  const publicKey = await crypto.subtle.importKey('raw', key.publicKey, 'Ed25519', false, ['verify']);
  const message = new Uint8Array(BYTES).fill(7);
  const signature = await key.sign(message);
  const verify = () => crypto.subtle.verify('Ed25519', publicKey, signature, message);
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < MILLIS) {
    await Promise.all(Array.from({ length: AT_A_TIME }, verify));
    done += AT_A_TIME;
  }
  return (done / (performance.now() - started)) * 1_000;
}
