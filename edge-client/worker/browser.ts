/** The platform of a browser's worker. */
import { randomBytes, webCryptoPrg } from '@twinkeep/protocol';
import { eraseDexieStore, openDexieStore } from '../store/dexie/index.ts';
import type { Platform } from './platform.ts';

export function createBrowserPlatform(): Platform {
  const scope = globalThis;
  return {
    openStore: (name) => openDexieStore({ name, crypto: scope.crypto, clock: Date.now }),
    destroyStore: async (name) => void (await eraseDexieStore({ name })),
    fetch: (input, init) => scope.fetch(input, init),
    isReachable,
    clock: Date.now,
    monotonic: () => scope.performance.now(),
    random: randomBytes,
    prg: webCryptoPrg,
    locks: 'locks' in scope.navigator ? scope.navigator.locks : null,
    openChannel: (name) => new BroadcastChannel(`twinkeep/${name}`),
    loadRoundParts: () => import('./round-parts.ts'),
    async loadEngine(spec) {
      const { createTfEngine, loadTf } = await import('../train/index.ts');
      const { tf } = await loadTf();
      return createTfEngine(tf, spec);
    },
  };
}

/** An answer that this page may not read is an answer all the same. */
async function isReachable(url: string): Promise<boolean> {
  try {
    await fetch(url, {
      mode: 'no-cors',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    return true;
  } catch {
    return false;
  }
}
