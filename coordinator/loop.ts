/** Work that is done again and again, with pauses: what several parts of a coordinator do beside its requests. */
export interface Loop {
  /** Ends the pause, if there is one. */
  wake(): void;
  /** Resolves when the step under way has ended; there is no other after it. */
  stop(): Promise<void>;
}

/** @param step answers with the pause until the next one, in milliseconds; it must not reject */
export function startLoop(step: () => Promise<number>): Loop {
  let stopped = false;
  let wake = (): void => undefined;
  const pause = (millis: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, millis);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (stopped) wake();
    });
  const run = async (): Promise<void> => {
    while (!stopped) {
      const millis = await step();
      if (millis > 0) await pause(millis);
    }
  };
  const running = run();
  return {
    wake: () => wake(),
    stop: () => {
      stopped = true;
      wake();
      return running;
    },
  };
}
