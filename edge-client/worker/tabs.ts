/**
 * The tabs of one origin: they share one store, and one of them works on rounds while the others follow. What they tell each other is
 * for the screen and for haste; nothing depends on it, since the store decides.
 */
import type { RoundState, TwinEvents } from '../twin/types.ts';
import type { Channel } from './platform.ts';

export type TabMessage =
  /** The tab that works on rounds says how they stand; `hello` asks for it. */
  | { kind: 'round'; state: RoundState }
  | { kind: 'hello' }
  | { kind: 'event'; name: 'recorded'; event: TwinEvents['recorded'] }
  | { kind: 'event'; name: 'consent'; event: TwinEvents['consent'] }
  | { kind: 'erased'; withdrawn: boolean };

export interface Tabs {
  tell(message: TabMessage): void;
  close(): void;
}

export function createTabs(channel: Channel, hear: (message: TabMessage) => void): Tabs {
  let closed = false;
  // Messages come from this origin's own code, perhaps of another version: an unknown kind is left alone.
  channel.addEventListener('message', ({ data }) => {
    if (!closed && typeof data === 'object' && data !== null && 'kind' in data) hear(data as TabMessage);
  });
  return {
    tell(message) {
      if (!closed) channel.postMessage(message);
    },
    close() {
      closed = true;
      channel.close();
    },
  };
}
