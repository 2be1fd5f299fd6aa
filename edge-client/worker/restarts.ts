/** Lets those who wait or work be told to start anew. */

export interface Restarts {
  /** @returns a function that takes it off the list */
  add(session: AbortController): () => void;
  restart(): void;
}

export function createRestarts(): Restarts {
  const sessions = new Set<AbortController>();
  return {
    add(session) {
      sessions.add(session);
      return () => void sessions.delete(session);
    },
    restart() {
      for (const session of [...sessions]) session.abort();
    },
  };
}

/** Runs one thing after the other, in the order of asking. */
export function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };
}
