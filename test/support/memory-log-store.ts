import { AuditError, LogConflictError, type LogHead, type LogStore } from '@twinkeep/audit';

/** What an attacker who owns the store can change. */
export interface MemoryLogState {
  head: LogHead | null;
  leaves: Uint8Array[];
  /** Keyed by `level/index`. */
  hashes: Map<string, Uint8Array>;
}

export function createMemoryLogState(): MemoryLogState {
  return { head: null, leaves: [], hashes: new Map() };
}

/** A handle on the state; it copies what goes in and out, as a database would. */
export function createMemoryLogStore(state: MemoryLogState): LogStore {
  return {
    head: async () => structuredClone(state.head),
    append: async (expectedSize, next, leaves, hashes) => {
      if ((state.head?.size ?? 0) !== expectedSize) throw new LogConflictError(expectedSize);
      state.leaves.push(...structuredClone(leaves));
      for (const { level, index, hash } of hashes) state.hashes.set(`${level}/${index}`, hash.slice());
      state.head = structuredClone(next);
    },
    hashes: async (ids) =>
      ids.map(({ level, index }) => {
        const hash = state.hashes.get(`${level}/${index}`);
        if (hash === undefined) throw new AuditError('log/missing-hash', `no hash ${level}/${index}`);
        return hash.slice();
      }),
    leaves: async (start, end) => {
      const found = state.leaves.slice(start, end);
      if (found.length < end - start)
        throw new AuditError('log/missing-leaf', `no leaf ${start + found.length}`);
      return structuredClone(found);
    },
  };
}
