/**
 * A twin, opened: its store, its key, its tasks, and the parts that work on them. Read `openTwin` from top to bottom. Everything that must
 * survive is in the store; a worker that is killed at any line leaves a state from which the next one goes on.
 */
import { StoreError } from '../store/errors.ts';
import { createTransport } from '../transport/transport.ts';
import type { CallAnswer, CallInput, CallName, Conditions } from '../twin/calls.ts';
import { refused } from '../twin/reasons.ts';
import type { TwinStatus, Unavailable } from '../twin/types.ts';
import { createBoard } from './board.ts';
import { createConditionsWatch, type ConditionsWatch } from './conditions.ts';
import { createConsenting } from './consenting.ts';
import { createCredentials } from './credentials.ts';
import { startDelivery } from './delivery.ts';
import { createEraser, isErasing } from './erasing.ts';
import { exportTwin } from './exporting.ts';
import { untilTasks, type Emit, type Home } from './home.ts';
import { createParticipation } from './participation.ts';
import type { Platform } from './platform.ts';
import { createRecorder } from './recording.ts';
import { createRetention } from './retention.ts';
import { createQueue, createRestarts } from './restarts.ts';
import type { CheckedSettings } from './settings.ts';
import { createSayTrouble } from './say-trouble.ts';
import { createTabs, type TabMessage } from './tabs.ts';
import { createTaskBook } from './task-book.ts';
import { createLazyInsight } from './insight.ts';

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
  let status: TwinStatus = { state: isErasing(consents) ? 'erasing' : 'ready' };

  const tabs = createTabs(platform.openChannel(settings.name), (message) => hear(message));
  const emit: Emit = (name, event) => {
    deps.emit(name, event);
    if (name === 'recorded' || name === 'consent')
      tabs.tell({ kind: 'event', name, event: { ...event, here: false } } as TabMessage);
    if (name === 'consent') consentChanged();
  };
  const credentials = createCredentials(() => deps.askCredential(key.id), platform.clock);
  const transport = createTransport({
    baseUrl: settings.coordinatorUrl,
    key,
    credential: credentials.current,
    fetch: platform.fetch,
    clock: platform.clock,
    random: platform.random,
  });
  const conditions = createConditionsWatch(deps.conditions);
  const isOnline = (): boolean => conditions.now().online;
  const board = createBoard(settings.tasks, (state, own) => {
    deps.emit('round', state);
    if (own) tabs.tell({ kind: 'round', state });
  });
  const sayTrouble = createSayTrouble({ board, platform, settings, isOnline });
  const tasks = createTaskBook({ settings, platform, store, transport, sayTrouble, stop: closing.signal });
  const home: Home = {
    settings,
    platform,
    store,
    key,
    transport,
    credentials,
    tasks,
    emit,
    sweep: () => retention(),
  };
  const retention = createRetention(home);

  const restarts = createRestarts();
  const insight = createLazyInsight(home, isOnline, closing.signal);
  const participation = createParticipation(
    { home, board, conditions, insight, restarts, sayTrouble, oneAtATime: createQueue() },
    () => tabs.tell({ kind: 'hello' }),
    closing.signal,
  );
  const record = createRecorder(home);
  const consenting = createConsenting(home);
  const delivery = startDelivery(home, isOnline, () => eraser.settle(), closing.signal);
  const eraser = createEraser({
    home,
    consenting,
    delivery: () => delivery,
    async erased(withdrawn) {
      tabs.tell({ kind: 'erased', withdrawn });
      await end('erased');
    },
  });
  let wasOnline = conditions.now().online;
  conditions.onChange(() => {
    const { online } = conditions.now();
    if (online && !wasOnline) {
      delivery.wake();
      tasks.lookAgain();
    }
    wasOnline = online;
  });

  /** Here or in another tab: signed, or in the log now. Whatever is under way was begun under another consent. */
  function consentChanged(): void {
    restarts.restart();
    insight.look();
    delivery.wake();
  }

  function hear(message: TabMessage): void {
    // A tab that wakes from being frozen may not know yet that it leads no more.
    if (message.kind === 'round') return participation.leads() ? undefined : board.follow(message.state);
    if (message.kind === 'event') {
      deps.emit(message.name, message.event as never);
      return message.name === 'consent' ? consentChanged() : undefined;
    }
    if (message.kind === 'erased') {
      eraser.endedElsewhere(message.withdrawn);
      return void end('erased');
    }
    if (participation.leads()) for (const state of board.all()) tabs.tell({ kind: 'round', state });
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
    await participation.stop();
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
    listening: insight.listening,
    async record(event) {
      const recorded = await record(event);
      if (recorded.recorded && recorded.fresh) insight.look();
      return recorded;
    },
    cells: async () => ({ available: true, cells: await consenting.cells() }),
    grant: (choice) => consenting.grant(choice),
    refuse: (choice) => consenting.refuse(choice),
    withdraw: (choice) => consenting.withdraw(choice),
    receipts: async () => ({ available: true, receipts: await consenting.receipts() }),
    async participate() {
      participation.start();
      return null;
    },
    async stop() {
      await participation.stop();
      return null;
    },
    predict: async (task) => (await insight.predicting()).predict(task),
    explain: async (task) => (await insight.predicting()).explain(task),
    async export() {
      await untilTasks(home);
      return { available: true, data: await exportTwin(home, await insight.predicting()) };
    },
    async erase() {
      await participation.stop();
      setStatus({ state: 'erasing' });
      return eraser.erase();
    },
    async close() {
      await end('closed');
      return null;
    },
  };
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
