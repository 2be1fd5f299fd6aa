/** What every answer of a twin is made of. */

/** Why a call was not carried out at all, whichever call it was. */
export type Unavailable =
  /** `close` or `erase` was called, here or in another tab. */
  | 'closed'
  | 'erased'
  /** The browser gives no durable storage: private mode, IndexedDB switched off, or blocked for this frame. */
  | 'no-storage'
  | 'storage-full'
  /** What is kept cannot be read: damaged, or its key is gone. `erase` clears it. */
  | 'storage-corrupt'
  /** The browser has cleared what was kept: short of room, or at the person's wish. */
  | 'storage-lost'
  /** The browser lacks what is needed: workers, WebCrypto with Ed25519, a secure context. */
  | 'not-supported'
  /** The storage is of a newer version of this software: reload the page. */
  | 'newer-version'
  /** Another tab holds on to an older version of the storage. */
  | 'blocked'
  /** The named database keeps the twin of somebody else. */
  | 'other-person'
  /** The worker cannot be started, or ended. */
  | 'worker-lost'
  /** A fault in this software; the message is in `detail`. */
  | 'failed';

export interface Refused<Reason extends string> {
  readonly reason: Reason;
  /** One plain sentence. */
  readonly why: string;
  /** For whoever looks for the cause; never a value of the person. */
  readonly detail?: string;
}

export type TwinStatus = { state: 'ready' | 'erasing' } | ({ state: 'unavailable' } & Refused<Unavailable>);

export type Answer<T> = ({ available: true } & T) | ({ available: false } & Refused<Unavailable | 'no-task'>);
