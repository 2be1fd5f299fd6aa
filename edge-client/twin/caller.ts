/** The page's end of the line to its worker: every call gets exactly one answer, also where the worker does not start, or is gone. */
import {
  UNANSWERED,
  type CallAnswer,
  type CallInput,
  type CallName,
  type FromWorker,
  type ToWorker,
} from './calls.ts';
import type { Listeners } from './listeners.ts';
import { refused } from './reasons.ts';
import type { Unavailable } from './types.ts';

/** What is used of a `Worker`. */
export interface WorkerLine {
  postMessage(message: unknown): void;
  addEventListener(name: 'message' | 'error' | 'messageerror', listener: (event: Event) => void): void;
  terminate(): void;
}

export interface Caller {
  call<Name extends CallName>(name: Name, ...input: CallInput<Name>): Promise<CallAnswer<Name>>;
  post(message: ToWorker): void;
  /** Ends the worker. Whatever still waits is answered with `closed`. */
  end(): void;
}

export interface CallerDeps {
  credential: (deviceKey: string) => Promise<string>;
  emit: Listeners['emit'];
}

export function createCaller(start: () => WorkerLine, { credential, emit }: CallerDeps): Caller {
  const waiting = new Map<number, { name: CallName; resolve: (answer: never) => void }>();
  let lost: { reason: Unavailable; detail?: string } | null = null;
  let heard = false;
  let calls = 0;

  const lose = (reason: Unavailable, detail?: string): void => {
    lost ??= { reason, ...(detail === undefined ? {} : { detail }) };
    for (const { name, resolve } of waiting.values())
      resolve(UNANSWERED[name](lost.reason, lost.detail) as never);
    waiting.clear();
  };

  const hear = (message: FromWorker): void => {
    heard = true;
    if (message.kind === 'event') return emit(message.name, message.event as never);
    if (message.kind === 'ask-credential') return void provide(message.id, message.deviceKey);
    waiting.get(message.id)?.resolve(message.answer as never);
    waiting.delete(message.id);
  };

  const provide = async (id: number, deviceKey: string): Promise<void> => {
    const token = await askHost(credential, deviceKey);
    if (typeof token !== 'string') emit('problem', { code: 'no-credential', ...token });
    post({ kind: 'credential', id, token: typeof token === 'string' ? token : null });
  };

  const worker = startWorker(start, lose);
  worker?.addEventListener('message', (event) => hear((event as MessageEvent<FromWorker>).data));
  worker?.addEventListener('error', (event) => {
    const { message = '' } = event as Partial<ErrorEvent>;
    // Once it has spoken, it has started: an error is then a fault of ours that it has survived.
    if (heard) emit('problem', { code: 'failed', why: 'Something went wrong in the twin.', detail: message });
    else lose('worker-lost', message);
  });

  function post(message: ToWorker): void {
    if (lost === null) worker?.postMessage(message);
  }

  return {
    call: (name, ...input) =>
      new Promise((resolve) => {
        if (lost !== null) return resolve(UNANSWERED[name](lost.reason, lost.detail) as never);
        const id = calls++;
        waiting.set(id, { name, resolve });
        try {
          post({ kind: 'call', id, name, input });
        } catch (error) {
          waiting.delete(id);
          resolve(uncloneable(name, error) as never);
        }
      }),
    post,
    end() {
      lose('closed');
      worker?.terminate();
    },
  };
}

function startWorker(
  start: () => WorkerLine,
  lose: (reason: Unavailable, detail?: string) => void,
): WorkerLine | null {
  try {
    return start();
  } catch (error) {
    lose('worker-lost', String(error));
    return null;
  }
}

/** The host app's own function: whatever it does, the worker gets an answer. */
async function askHost(
  credential: CallerDeps['credential'],
  deviceKey: string,
): Promise<string | { why: string; detail: string }> {
  const why = 'The app gave no credential for this device.';
  try {
    const token: unknown = await credential(deviceKey);
    return typeof token === 'string' && token !== '' ? token : { why, detail: 'not a string' };
  } catch (error) {
    return { why, detail: String(error) };
  }
}

/** Something in the call was a function, a node of the page or the like, which no event or choice may be. */
function uncloneable(name: CallName, error: unknown): unknown {
  return { ...UNANSWERED[name]('failed'), ...refused('malformed', `it is not plain data: ${String(error)}`) };
}
