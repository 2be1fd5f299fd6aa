/** Something has happened, told to the one who waits for it. A ring that nobody waits for is kept for the next wait. */

export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `millis`, or when asked to stop. */
  wait(millis: number, stop: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: () => void = () => {};
  return {
    ring() {
      rung = true;
      wake();
    },
    async wait(millis, stop) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, millis);
        stop.addEventListener('abort', done);
        wake = done;
        function done(): void {
          clearTimeout(timer);
          stop.removeEventListener('abort', done);
          resolve();
        }
        if (rung || stop.aborted) done();
      });
      rung = false;
    },
  };
}

/** A signal that fires with any of these, or by itself; `release` it when it is no longer needed. */
export function linkAbort(...signals: readonly AbortSignal[]): AbortController & { release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  }
  const release = (): void => signals.forEach((signal) => signal.removeEventListener('abort', abort));
  return Object.assign(controller, { release });
}
