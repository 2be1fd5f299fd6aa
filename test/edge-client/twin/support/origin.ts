/** One web origin in Node: its storage, its locks, its channels, and tabs whose worker is the real one behind a real message port. */
import { createTwin, type Conditions, type Twin, type TwinOptions } from '@twinkeep/edge-client';
import { createTfEngine, loadTf } from '@twinkeep/edge-client/train';
import { randomBytes, webCryptoPrg } from '@twinkeep/protocol';
import { MessageChannel } from 'node:worker_threads';
import type { Channel, Locks, Platform } from '../../../../edge-client/worker/platform.ts';
import { serveTwin, type PageLine } from '../../../../edge-client/worker/serve.ts';
import { createMemoryDatabases, type MemoryDatabases } from './device-store.ts';

export interface Origin {
  databases: MemoryDatabases;
  /** Milliseconds by which this device's clock is wrong. */
  clockError: number;
  /** Milliseconds that a message takes from tab to tab. */
  messageDelay: number;
  openTab(options: Omit<TwinOptions, 'worker'>, changes?: Partial<Platform>): Promise<Tab>;
}

export interface Tab {
  twin: Twin;
  setConditions(changes: Partial<Conditions>): void;
  /** As a killed tab ends: nothing is said, locks and channels are gone. */
  kill(): void;
}

export function createOrigin(): Origin {
  const databases = createMemoryDatabases();
  const channels = new Map<string, Set<(data: unknown) => void>>();
  const locks = createLocks();
  const origin: Origin = {
    databases,
    clockError: 0,
    messageDelay: 0,
    async openTab(options, changes = {}) {
      const ending = new AbortController();
      const platform: Platform = {
        openStore: databases.open,
        destroyStore: databases.destroy,
        fetch: (input, init) => fetch(input, init),
        isReachable: async () => false,
        clock: () => Date.now() + origin.clockError,
        monotonic: () => performance.now(),
        random: randomBytes,
        prg: webCryptoPrg,
        locks: locksOfTab(locks, ending.signal),
        openChannel: (name) => openChannel(channels, name, () => origin.messageDelay, ending.signal),
        loadRoundParts: () => import('../../../../edge-client/worker/round-parts.ts'),
        loadEngine: async (spec) => createTfEngine((await loadTf()).tf, spec),
        ...changes,
      };
      const { port1, port2 } = new MessageChannel();
      serveTwin(port2 as unknown as PageLine, platform);
      port2.start();
      const worker = Object.assign(port1, { terminate: () => port1.close() });
      let tell: (conditions: Conditions) => void = () => {};
      let conditions: Conditions = { online: true, metered: false, battery: null, asleep: false };
      const watchConditions = (listener: typeof tell): (() => void) => {
        tell = listener;
        tell(conditions);
        return () => {};
      };
      port1.start();
      const twin = await createTwin(
        { ...options, worker: () => worker as unknown as Worker },
        { watchConditions },
      );
      return {
        twin,
        setConditions(changed) {
          conditions = { ...conditions, ...changed };
          tell(conditions);
        },
        kill() {
          ending.abort();
          port1.close();
        },
      };
    },
  };
  return origin;
}

interface Lock {
  held: boolean;
  waiting: (() => void)[];
  /** Ends the request of the one who holds it, whose work goes on. */
  rob: () => void;
}

function createLocks(): Map<string, Lock> {
  return new Map();
}

function locksOfTab(locks: Map<string, Lock>, killed: AbortSignal): Locks {
  return {
    async request(name, options, held) {
      const lock = locks.get(name) ?? { held: false, waiting: [], rob: () => {} };
      locks.set(name, lock);
      const { signal } = 'signal' in options ? options : new AbortController();
      if ('steal' in options) {
        lock.rob();
        lock.held = false;
      }
      await new Promise<void>((resolve, reject) => {
        const gone = (): void => {
          lock.waiting = lock.waiting.filter((other) => other !== take);
          reject(new DOMException('aborted', 'AbortError'));
        };
        const take = (): void => {
          signal.removeEventListener('abort', gone);
          lock.held = true;
          resolve();
        };
        signal.addEventListener('abort', gone, { once: true });
        if (signal.aborted) gone();
        else if (lock.held) lock.waiting.push(take);
        else take();
      });
      let robbed = false;
      const release = new Promise<void>((resolve, reject) => {
        killed.addEventListener('abort', () => resolve(), { once: true });
        lock.rob = () => {
          robbed = true;
          reject(new DOMException('stolen', 'AbortError'));
        };
      });
      try {
        await Promise.race([held(), release]);
      } finally {
        if (!robbed) {
          lock.held = false;
          lock.waiting.shift()?.();
        }
      }
    },
  };
}

function openChannel(
  channels: Map<string, Set<(data: unknown) => void>>,
  name: string,
  delay: () => number,
  killed: AbortSignal,
): Channel {
  const all = channels.get(name) ?? new Set();
  channels.set(name, all);
  let hear: (data: unknown) => void = () => {};
  const own = (data: unknown): void => hear(data);
  all.add(own);
  killed.addEventListener('abort', () => all.delete(own));
  return {
    postMessage(message) {
      const data: unknown = structuredClone(message);
      for (const other of all) if (other !== own && !killed.aborted) setTimeout(() => other(data), delay());
    },
    addEventListener: (_, listener) => void (hear = (data) => listener({ data })),
    close: () => void all.delete(own),
  };
}
