/**
 * How a process of ours ends: on SIGTERM or SIGINT, or when the parent that started it with an IPC channel is gone. It stops
 * what it waits for, lets what it writes finish, and is gone within two seconds in any case: everything it does is safe to
 * break off.
 */
const GRACE_MILLIS = 1_500;

/** Runs `main` until it returns or the process is asked to end; then exits. Where one part of it fails, the others end too. */
export async function runProcess(main: (stop: AbortSignal) => Promise<void>): Promise<never> {
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    setTimeout(() => process.exit(0), GRACE_MILLIS).unref();
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  process.once('disconnect', end);
  // Listening alone must not keep a process alive that has nothing else left to do.
  process.channel?.unref();
  try {
    await main(ending.signal);
  } catch (error) {
    ending.abort();
    throw error;
  }
  process.exit(0);
}

/** Tells the parent, if there is one, that this process is up. */
export function announceReady(fields: Record<string, unknown> = {}): void {
  if (process.connected) process.send?.({ type: 'ready', ...fields });
}

/** Resolves after `millis`, or at once when asked to stop. */
export function pause(millis: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const timer = setTimeout(done, millis);
    stop.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    }
  });
}
