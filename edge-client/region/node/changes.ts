/** That something in the store changed, told to whoever waits for it. A notice says nothing but "look again". */

export interface Changes {
  notice(): void;
  /** How many notices there were; two readings that differ mean that something changed in between. */
  count(): number;
  /** Resolves when there were more than `seen` notices, after `millis`, or when asked to stop. */
  after(seen: number, millis: number, stop: AbortSignal): Promise<void>;
}

export function createChanges(): Changes {
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    notice() {
      count++;
      for (const wake of waiting) wake();
    },
    count: () => count,
    after: (seen, millis, stop) =>
      new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          waiting.delete(wake);
          stop.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, millis);
        waiting.add(wake);
        stop.addEventListener('abort', wake, { once: true });
        if (count > seen || stop.aborted) wake();
      }),
  };
}
