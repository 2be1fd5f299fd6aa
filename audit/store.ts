import type { StoredHash } from './compact-range.ts';
import type { SubtreeId } from './prove.ts';

/** What the log last signed. `note` is the checkpoint of exactly this size and root. */
export interface LogHead {
  size: number;
  root: Uint8Array;
  note: string;
}

/**
 * Where a log keeps its head, its leaves and the hashes of all complete subtrees. The store is trusted to keep what it
 * is given, and not to keep it unchanged: whoever owns it can lose or alter anything, which `openLog` and `fsck` notice,
 * or put back an older state as a whole, which only those notice who kept a later checkpoint.
 *
 * A store may be bound to a database transaction, made anew for each; it is then as durable as its transaction, and its
 * `head` may lock the head row so that the next writer waits instead of losing the compare-and-swap.
 *
 * Every implementation passes `logStoreContract` of `test/contracts/log-store.ts`.
 */
export interface LogStore {
  /** Null before the first append. */
  head(): Promise<LogHead | null>;

  /**
   * Compare-and-swap: puts leaves `expectedSize ..< next.size`, the hashes and the head, all or nothing, and resolves
   * once they are durable. Rejects with a `LogConflictError`, having changed nothing, if the head is not at
   * `expectedSize` (a log without head is at 0). Any other rejection leaves open which of the two happened: read the head.
   */
  append(expectedSize: number, next: LogHead, leaves: Uint8Array[], hashes: StoredHash[]): Promise<void>;

  /** In the order asked, level 0 being leaf hashes. Rejects with code `log/missing-hash` if one is not there. */
  hashes(ids: SubtreeId[]): Promise<Uint8Array[]>;

  /** Leaves `start ..< end` in order. Rejects with code `log/missing-leaf` if one is not there. */
  leaves(start: number, end: number): Promise<Uint8Array[]>;
}
