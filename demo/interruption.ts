/** Ctrl-C and its kin, as a promise that the story races against. */
import { constants } from 'node:os';
import { DemoError } from './errors.ts';

export interface Interruption {
  /** Rejects once the demo is asked to end; never resolves. */
  asked: Promise<never>;
  /** Exit status by the shell's convention, 128 + signal; null as long as nobody asked. */
  status(): number | null;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first signal lets processes end in order. A second one does not wait: they end when they see that we are gone. */
export function interruption(): Interruption {
  let status: number | null = null;
  const asked = new Promise<never>((_, reject) => {
    const end = (code: number): void => {
      if (status !== null) process.exit(status);
      status = code;
      reject(new DemoError('demo/interrupted', 'Interrupted. Ending every process ...'));
    };
    for (const signal of SIGNALS) process.on(signal, () => end(128 + constants.signals[signal]));
    // Whoever read our output is gone, as after `| head`.
    process.stdout.on('error', () => end(128 + constants.signals.SIGPIPE));
  });
  asked.catch(() => undefined);
  return { asked, status: () => status };
}
