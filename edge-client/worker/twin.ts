/**
 * A twin, opened: its store, its key, its tasks, and what takes events in. All else is in `life.ts`, which is loaded meanwhile, so that the
 * first events of an app need not wait for it. Read `openTwin` from top to bottom. Everything that must survive is in the store; a
 * worker that is killed at any line leaves a state from which the next one goes on.
 */
import { StoreError } from '../store/errors.ts';
import type { CallAnswer, CallInput, CallName, Conditions } from '../twin/calls.ts';
import { refused } from '../twin/reasons.ts';
import type { TwinStatus, Unavailable } from '../twin/types.ts';
import { createConditionsWatch, type ConditionsWatch } from './conditions.ts';
import { isErasing } from './erasure-mark.ts';
import type { Capture, Emit } from './home.ts';
import type { Life } from './life.ts';
import type { Platform } from './platform.ts';
import { createRecorder } from './recording.ts';
import { createRetention } from './retention.ts';
import type { CheckedSettings } from './settings.ts';
import { createTabs, type TabMessage } from './tabs.ts';
import { createTaskBook } from './task-book.ts';

export type TwinHandlers = {
  [Name in Exclude<CallName, 'open'>]: (...input: CallInput<Name>) => Promise<CallAnswer<Name>>;
};

export interface OpenedTwin extends TwinHandlers {
  readonly deviceKey: string;
  status(): TwinStatus;
  /** Lets go of everything, because it can be used no more. */
  end(reason: Unavailable, detail?: string): Promise<void>;
  conditions: Pick<ConditionsWatch, 'set'>;
  listening(predictions: boolean): void;
}

export interface TwinDeps {
  platform: Platform;
  conditions: Conditions;
  emit: Emit;
  askCredential: (deviceKey: string) => Promise<string | null>;
}

/** How long to wait for a word of who has taken the storage away. */
const GONE_MILLIS = 500;

/** @throws StoreError where this browser gives no storage, or what it keeps cannot be used */
export async function openTwin(settings: CheckedSettings, deps: TwinDeps): Promise<OpenedTwin> {
  const { platform } = deps;
  const closing = new AbortController();
  const store = await platform.openStore(settings.name);
  await ensureTwin(store, settings.subject);
  const key = await store.deviceKey();
  const [{ consents = [] } = {}] = await store.readTwins([settings.subject]);
  let status: TwinStatus = { state: (await isErasing(consents, key)) ? 'erasing' : 'ready' };

  const tabs = createTabs(platform.openChannel(settings.name), (message) => hear(message));
  const emit: Emit = (name, event) => {
    deps.emit(name, event);
    if (name === 'recorded' || name === 'consent')
      tabs.tell({ kind: 'event', name, event: { ...event, here: false } } as TabMessage);
    if (name === 'consent') lived?.consentChanged();
  };
  const conditions = createConditionsWatch(deps.conditions);
  let lived: Life | null = null;
  const life = lazily(async () => {
    const { openLife } = await import('./life.ts');
    return (lived = openLife(capture, {
      conditions,
      tabs,
      tellRound: (state) => deps.emit('round', state),
      askCredential: () => deps.askCredential(key.id),
      end,
      stop: closing.signal,
    }));
  });
  const tasks = createTaskBook({
    settings,
    platform,
    store,
    fetchTask: async (taskId, stop) => (await life()).fetchTask(taskId, stop),
    sayTrouble: (...trouble) => lived?.sayTrouble(...trouble),
    stop: closing.signal,
  });
  const capture: Capture = { settings, platform, store, key, tasks, emit, sweep: () => retention() };
  const retention = createRetention(capture);
  const record = createRecorder(capture);

  // What waits to be delivered goes on by itself, and an erasure too.
  life().catch((error: unknown) => {
    if (!closing.signal.aborted) emit('problem', { code: 'failed', ...refused('failed', String(error)) });
  });

  function hear(message: TabMessage): void {
    if (message.kind === 'event') {
      deps.emit(message.name, message.event as never);
      if (message.name === 'consent') lived?.consentChanged();
    } else if (message.kind === 'erased') {
      lived?.endedElsewhere(message.withdrawn);
      void end('erased');
    } else lived?.hear(message);
  }

  void store.closed.then(async (how) => {
    if (how === 'upgraded') await end('newer-version');
    if (how !== 'gone') return;
    // The tab that has erased it says so, before or after.
    await new Promise((resolve) => setTimeout(resolve, GONE_MILLIS));
    await end('storage-lost');
  });

  async function end(reason: Unavailable, detail?: string): Promise<void> {
    if (status.state === 'unavailable') return;
    setStatus({ state: 'unavailable', ...refused(reason, detail) });
    closing.abort();
    await lived?.stop();
    tabs.close();
    store.close();
  }

  function setStatus(next: TwinStatus): void {
    status = next;
    deps.emit('status', next);
  }

  return {
    deviceKey: key.id,
    status: () => status,
    end,
    conditions,
    listening: (predictions) =>
      void life().then(
        ({ listening }) => listening(predictions),
        () => {},
      ),
    async record(event) {
      const recorded = await record(event);
      if (recorded.recorded && recorded.fresh) lived?.recorded();
      return recorded;
    },
    cells: async () => (await life()).cells(),
    grant: async (choice) => (await life()).grant(choice),
    refuse: async (choice) => (await life()).refuse(choice),
    withdraw: async (choice) => (await life()).withdraw(choice),
    receipts: async () => (await life()).receipts(),
    participate: async () => (await life()).participate(),
    async stop() {
      // After the start that it undoes, where that still waits.
      await (await life()).stop();
      return null;
    },
    predict: async (task) => (await life()).predict(task),
    explain: async (task) => (await life()).explain(task),
    export: async () => (await life()).export(),
    async erase() {
      const { stop, erase } = await life();
      await stop();
      setStatus({ state: 'erasing' });
      return erase();
    },
    async close() {
      await end('closed');
      return null;
    },
  };
}

/** One load for all who ask; one that failed is tried again by the next. */
function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () =>
    (loading ??= load().catch((error: unknown) => {
      loading = null;
      throw error;
    }));
}

async function ensureTwin(store: Awaited<ReturnType<Platform['openStore']>>, subject: string): Promise<void> {
  const others = (await store.listTwins(null, 2)).filter((known) => known !== subject);
  if (others.length > 0) throw new OtherPersonError();
  try {
    await store.addTwin(subject, []);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'store/twin-exists') throw error;
  }
}

/** The named database keeps the twin of another pseudonym. */
export class OtherPersonError extends Error {}
