/** Who listens to what. A listener is the host app's code: what it throws is reported as the browser reports uncaught errors. */
import type { TwinEvents } from './types.ts';

export interface Listeners {
  /** @returns a function that ends the subscription */
  add<Name extends keyof TwinEvents>(name: Name, listener: (event: TwinEvents[Name]) => void): () => void;
  has(name: keyof TwinEvents): boolean;
  emit<Name extends keyof TwinEvents>(name: Name, event: TwinEvents[Name]): void;
}

export function createListeners(): Listeners {
  const all = new Map<keyof TwinEvents, Set<(event: never) => void>>();
  return {
    add(name, listener) {
      const known = all.get(name) ?? new Set();
      all.set(name, known.add(listener));
      return () => void known.delete(listener);
    },
    has: (name) => (all.get(name)?.size ?? 0) > 0,
    emit(name, event) {
      for (const listener of [...(all.get(name) ?? [])]) {
        try {
          (listener as (event: unknown) => void)(event);
        } catch (error) {
          report(error);
        }
      }
    },
  };
}

function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}
