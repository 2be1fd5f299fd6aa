/**
 * The end of a twin: every consent is withdrawn, the coordinator told, and what is kept here destroyed, keys first. The withdrawal can only
 * be sent with this device's key, so where the coordinator cannot be reached, the data goes at once, and the key as soon as the
 * withdrawal is logged: an interrupted erasure is known by its withdrawal in the chain, and goes on at the next start.
 */
import { StoreError } from '../store/errors.ts';
import type { ConsentEntry } from '../store/port.ts';
import { submitConsents } from '../transport/device.ts';
import { refused } from '../twin/reasons.ts';
import type { Erasure } from '../twin/types.ts';
import { createBell } from './bell.ts';
import type { Consenting } from './consenting.ts';
import type { Delivery } from './delivery.ts';
import { isErasing } from './erasure-mark.ts';
import { readTwin, type Home } from './home.ts';

export interface Eraser {
  erase(): Promise<Erasure>;
  /** To be called whenever nothing waits for delivery any more. @returns whether the erasure is over by that */
  settle(): Promise<boolean>;
  /** Another tab has come to the end of it. */
  endedElsewhere(withdrawn: boolean): void;
}

export interface EraserDeps {
  home: Home;
  consenting: Consenting;
  delivery: () => Delivery;
  /** Everything here stops, in all tabs, before the store goes. */
  erased: (withdrawn: boolean) => Promise<void>;
}

/** Milliseconds that an erasure waits for the coordinator. */
const PATIENCE = 8_000;
/** And, where the storage is gone, for a word of who has taken it away. */
const GONE_MILLIS = 500;

export function createEraser({ home, consenting, delivery, erased }: EraserDeps): Eraser {
  const bell = createBell();
  let ending: Promise<{ withdrawn: boolean }> | null = null;
  let elsewhere = false;
  const destroy = (withdrawn: boolean): Promise<{ withdrawn: boolean }> =>
    (ending ??= (async () => {
      await erased(withdrawn);
      await home.store.destroy();
      return { withdrawn };
    })());

  const erase = async (): Promise<Erasure> => {
    const { consents: before } = await readTwin(home);
    try {
      if (!(await isErasing(before, home.key))) await consenting.withdrawForErasure();
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'store/full') throw error;
      // Not even a no can be written down any more. It is said all the same, and what is kept goes whoever heard it.
      const words = await consenting.signForErasure();
      return { erased: true, ...(await destroy(await say(home, words))) };
    }
    const { consents } = await readTwin(home);
    const trouble = consents.some(isWaiting) ? await deliver(delivery()) : null;
    // A coordinator that refuses to hear of it has no say in what is kept here, nor has a disk without room for its receipts.
    if (trouble === null || trouble.reason === 'consent-refused' || trouble.reason === 'storage-full')
      return { erased: true, ...(await destroy(consents.length > 0 && trouble === null)) };
    return { erased: 'data', ...refused(trouble.reason, trouble.detail) };
  };

  /** The delivery that goes on beside `erase`, here or in another tab, may have been faster, and has ended everything. */
  const endedMeanwhile = async (): Promise<Erasure | null> => {
    if (ending === null) return null;
    const { withdrawn } = await ending;
    // That other tab says so before it does so.
    if (elsewhere) await home.platform.destroyStore(home.settings.name);
    return { erased: true, withdrawn };
  };

  return {
    async erase() {
      try {
        const erasure = await erase();
        return (await endedMeanwhile()) ?? erasure;
      } catch (error) {
        if (ending === null) await bell.wait(GONE_MILLIS, new AbortController().signal);
        const erasure = await endedMeanwhile();
        if (erasure === null) throw error;
        return erasure;
      }
    },
    async settle() {
      if (ending === null && !(await isErasing((await readTwin(home)).consents, home.key))) return false;
      await destroy(true);
      return true;
    },
    endedElsewhere(withdrawn) {
      elsewhere = ending === null;
      ending ??= Promise.resolve({ withdrawn });
      bell.ring();
    },
  };
}

function isWaiting({ receipt }: ConsentEntry): boolean {
  return receipt === null;
}

/** @returns whether the coordinator has logged it; it is asked once */
async function say({ credentials, transport, settings }: Home, words: readonly string[]): Promise<boolean> {
  try {
    await credentials.ensure();
    await submitConsents(transport, words, settings.trust.log.vkey, AbortSignal.timeout(PATIENCE));
    return true;
  } catch {
    return false;
  }
}

async function deliver(delivery: Delivery): ReturnType<Delivery['flush']> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Awaited<ReturnType<Delivery['flush']>>>((resolve) => {
    timer = setTimeout(
      () => resolve({ reason: 'coordinator-unreachable', detail: 'it did not answer in time' }),
      PATIENCE,
    );
  });
  try {
    return await Promise.race([delivery.flush(), late]);
  } finally {
    clearTimeout(timer);
  }
}
