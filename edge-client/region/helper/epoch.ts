/** Epochs: a box key a day, so that a key that is stolen opens a day's boxes and no more. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  createBoxKeyPair,
  signStatement,
  type HelperEpoch,
  type SigningKey,
  type Statement,
} from '@twinkeep/protocol';
import type { HelperStore } from './store.ts';

export const EPOCH_MILLIS: number = 24 * 3_600_000;
/** The next key is made when half of the time is over, so that a coordinator always has one with hours to go. */
const RENEW_AFTER_MILLIS: number = EPOCH_MILLIS / 2;
/** Room for a coordinator whose clock is behind. */
const CLOCK_LEAD_MILLIS = 60_000;

/** The epoch to use now, made where there is none; the same statement, byte for byte, each time it is asked for. */
export async function currentEpoch(
  j: number,
  key: SigningKey,
  store: HelperStore,
  now: number,
): Promise<Statement<HelperEpoch>> {
  const [newest] = await store.epochs();
  const fresh = newest !== undefined && now < newest.notBefore + RENEW_AFTER_MILLIS;
  if (!fresh) {
    const { publicKey, privateKey } = createBoxKeyPair();
    const notBefore = now - CLOCK_LEAD_MILLIS;
    const epoch = {
      e: (newest?.e ?? 0) + 1,
      boxKey: bytesToBase64Url(publicKey),
      notBefore,
      notAfter: notBefore + EPOCH_MILLIS,
    };
    await store.addEpoch(epoch, privateKey);
    privateKey.fill(0);
  }
  const [current] = await store.epochs();
  return signStatement('helper-epoch', { v: 1, j, ...current! }, key);
}
