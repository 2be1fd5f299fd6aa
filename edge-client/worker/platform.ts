/** What a twin needs from where it runs, each a parameter: `browser.ts` takes them from a browser, tests from Node. */
import type { MaskPrg, Random } from '@twinkeep/protocol';
import type { OpenDeviceStore } from '../store/device.ts';
import type { LoadEngine } from './engine.ts';

export interface Platform {
  openStore: OpenDeviceStore;
  /** For a store that cannot be opened any more. */
  destroyStore: (name: string) => Promise<void>;
  fetch: typeof globalThis.fetch;
  /** Can this address be reached at all, whatever it answers and whether or not this page may read the answer? */
  isReachable: (url: string) => Promise<boolean>;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds since some moment; never set back. */
  monotonic: () => number;
  random: Random;
  prg: MaskPrg;
  /** Null where the browser has none: then each tab acts for itself, and the store keeps them from reporting twice. */
  locks: Locks | null;
  openChannel: (name: string) => Channel;
  /** What rounds and predictions take: libsodium and the checks of the round. Loaded when it is first needed. */
  loadRoundParts: () => Promise<typeof import('./round-parts.ts')>;
  loadEngine: LoadEngine;
}

/** The part of the Web Locks API that is used. */
export interface Locks {
  request(
    name: string,
    options: { signal: AbortSignal } | { steal: true },
    held: () => Promise<void>,
  ): Promise<void>;
}

/** The part of BroadcastChannel that is used: messages go to the other tabs of this origin, not to the sender. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(name: 'message', listener: (event: { data: unknown }) => void): void;
  close(): void;
}
