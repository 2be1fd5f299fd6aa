/**
 * The store of a person's own device: a `TwinStore` with one twin, and what only a device keeps. It lives below a browser's storage,
 * which can be refused, filled, cleared or damaged at any time, so each of these has a code of its own.
 */
import type { CustomerEvent, SigningKey } from '@twinkeep/protocol';
import type { TwinStore } from './port.ts';

export interface DeviceStore extends TwinStore {
  /** This device's signing key: made at the first call, not extractable, the same for every tab of the origin. */
  deviceKey(): Promise<SigningKey>;
  /** All kept events of a twin, oldest first, for the person's own copy. @throws StoreError `store/unknown-twin`, `store/unreadable` */
  readEvents(subject: string): Promise<CustomerEvent[]>;
  /** Something that the twin remembers, e.g. a task that it has verified; null where there is none. */
  readMemo(name: string): Promise<Uint8Array | null>;
  /** @param content null: forget it */
  writeMemo(name: string, content: Uint8Array | null): Promise<void>;
  /** Destroys everything, keys first, for every tab; also where it is damaged. The store is closed then. */
  destroy(): Promise<void>;
  close(): void;
  /** Resolves when this handle ends. `gone`: it was erased, here or in another tab, or the browser took the storage away. */
  readonly closed: Promise<'closed' | 'upgraded' | 'gone'>;
}

/** @throws StoreError 'store/unavailable', 'store/blocked', 'store/outdated', 'store/corrupt', 'store/full', 'store/unreadable' */
export type OpenDeviceStore = (name: string) => Promise<DeviceStore>;
