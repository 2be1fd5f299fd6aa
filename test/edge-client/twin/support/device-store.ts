/** A device's store in memory, shared by the tabs of one origin as IndexedDB would be. */
import { StoreError, type AdmittedEvent } from '@twinkeep/edge-client/fleet';
import { createSigningKey, type SigningKey } from '@twinkeep/protocol';
import type { DeviceStore } from '../../../../edge-client/store/device.ts';
import { createMemoryTwinStore } from '../../../support/memory-twin-store.ts';

export interface MemoryDatabases {
  open(name: string): Promise<DeviceStore>;
  destroy(name: string): Promise<void>;
  names(): string[];
  /** The next calls of any store fail with this code, until it is null again. */
  failWith: 'store/full' | 'store/corrupt' | 'store/unavailable' | null;
}

interface Database {
  twins: ReturnType<typeof createMemoryTwinStore>;
  memos: Map<string, Uint8Array>;
  key: Promise<SigningKey> | null;
  /** Kept beside the port, which gives no events out. */
  events: Map<string, AdmittedEvent>;
  handles: Set<(how: 'gone' | 'closed') => void>;
}

export function createMemoryDatabases(): MemoryDatabases {
  const databases = new Map<string, Database>();
  const self: MemoryDatabases = {
    failWith: null,
    names: () => [...databases.keys()],
    async open(name) {
      if (self.failWith !== null) throw new StoreError(self.failWith, 'as the test says');
      const database = databases.get(name) ?? createDatabase();
      databases.set(name, database);
      return openHandle(self, name, database);
    },
    async destroy(name) {
      const database = databases.get(name);
      databases.delete(name);
      for (const end of [...(database?.handles ?? [])]) end('gone');
    },
  };
  return self;
}

function createDatabase(): Database {
  return {
    twins: createMemoryTwinStore(),
    memos: new Map(),
    key: null,
    events: new Map(),
    handles: new Set(),
  };
}

function openHandle(databases: MemoryDatabases, name: string, database: Database): DeviceStore {
  let ended = false;
  let tellEnd: (how: 'gone' | 'closed') => void;
  const closed = new Promise<'gone' | 'closed'>((resolve) => (tellEnd = resolve));
  const end = (how: 'gone' | 'closed'): void => {
    ended = true;
    database.handles.delete(end);
    tellEnd(how);
  };
  database.handles.add(end);
  const { twins, events, memos } = database;
  const store: Omit<DeviceStore, 'destroy' | 'close' | 'closed'> = {
    ...twins,
    async recordEvents(subject, admitted, fold) {
      const fresh = await twins.recordEvents(subject, admitted, fold);
      for (const kept of admitted) if (!events.has(kept.event.id)) events.set(kept.event.id, kept);
      return fresh;
    },
    async refoldEvents(subject, forget, fold) {
      await twins.refoldEvents(subject, forget, fold);
      for (const [id, { event }] of events) if (forget.includes(event.category)) events.delete(id);
    },
    async expireEvents(day) {
      for (const [id, { lastDay }] of events) if (lastDay < day) events.delete(id);
      return twins.expireEvents(day);
    },
    readEvents: async () =>
      [...events.values()].map(({ event }) => event).sort((a, b) => a.time.localeCompare(b.time)),
    deviceKey: () => (database.key ??= createSigningKey()),
    readMemo: async (memo) => memos.get(memo) ?? null,
    writeMemo: async (memo, content) =>
      void (content === null ? memos.delete(memo) : memos.set(memo, content)),
  };
  const guarded = Object.fromEntries(
    Object.entries(store).map(([method, call]) => [
      method,
      async (...args: unknown[]) => {
        if (ended) throw new StoreError('store/closed', 'the store is closed');
        if (databases.failWith !== null) throw new StoreError(databases.failWith, 'as the test says');
        return (call as (...args: unknown[]) => Promise<unknown>)(...args);
      },
    ]),
  ) as unknown as typeof store;
  return { ...guarded, destroy: () => databases.destroy(name), close: () => end('closed'), closed };
}
