/**
 * What a twin does beyond taking events in: consents and their delivery, rounds, predictions, the person's copy and the end. It is loaded
 * right after the start; `twin.ts` passes the calls on.
 */
import { fetchTask } from '../transport/device.ts';
import { createTransport } from '../transport/transport.ts';
import type { RoundState, Unavailable } from '../twin/types.ts';
import { createBoard } from './board.ts';
import type { ConditionsWatch } from './conditions.ts';
import { createConsenting } from './consenting.ts';
import { createCredentials } from './credentials.ts';
import { startDelivery } from './delivery.ts';
import { createEraser } from './erasing.ts';
import { exportTwin } from './exporting.ts';
import { createHeeding } from './heeding.ts';
import { untilTasks, type Capture, type Home } from './home.ts';
import { createLazyInsight } from './insight.ts';
import { createParticipation } from './participation.ts';
import { createQueue, createRestarts } from './restarts.ts';
import { createSayTrouble, type SayTrouble } from './say-trouble.ts';
import type { TabMessage, Tabs } from './tabs.ts';
import type { TaskBookDeps } from './task-book.ts';
import type { TwinHandlers } from './twin.ts';

export interface Life extends Omit<TwinHandlers, 'record' | 'stop' | 'close'> {
  /** Takes part in rounds no more. */
  stop(): Promise<void>;
  listening(predictions: boolean): void;
  /** An event was taken in that was not known. */
  recorded(): void;
  /** Here or in another tab: signed, or in the log now. Whatever is under way was begun under another consent. */
  consentChanged(): void;
  /** What other tabs say of rounds. */
  hear(message: Extract<TabMessage, { kind: 'round' | 'hello' }>): void;
  /** Another tab has come to the end of an erasure. */
  endedElsewhere(withdrawn: boolean): void;
  sayTrouble: SayTrouble;
  fetchTask: TaskBookDeps['fetchTask'];
}

export interface LifeDeps {
  conditions: ConditionsWatch;
  tabs: Tabs;
  tellRound: (state: RoundState) => void;
  askCredential: () => Promise<string | null>;
  /** Ends this tab's twin. */
  end: (reason: Unavailable) => Promise<void>;
  stop: AbortSignal;
}

export function openLife(capture: Capture, { conditions, tabs, stop, ...deps }: LifeDeps): Life {
  const { settings, platform, key, tasks } = capture;
  const credentials = createCredentials(deps.askCredential, platform.clock);
  const transport = createTransport({
    baseUrl: settings.coordinatorUrl,
    key,
    credential: credentials.current,
    fetch: platform.fetch,
    clock: platform.clock,
    random: platform.random,
  });
  const home: Home = { ...capture, transport, credentials };
  const isOnline = (): boolean => conditions.now().online;
  const board = createBoard(settings.tasks, (state, own) => {
    deps.tellRound(state);
    if (own) tabs.tell({ kind: 'round', state });
  });
  const sayTrouble = createSayTrouble({ board, platform, settings, isOnline });

  const restarts = createRestarts();
  const insight = createLazyInsight(home, isOnline, stop);
  const heeding = createHeeding(home, isOnline, stop);
  const participation = createParticipation(
    { home, board, conditions, insight, heeding, restarts, sayTrouble, oneAtATime: createQueue() },
    () => tabs.tell({ kind: 'hello' }),
    stop,
  );
  const consenting = createConsenting(home);
  const settled = async (): Promise<void> => {
    if (!(await eraser.settle())) await heeding.heedIfKnown();
  };
  const delivery = startDelivery(home, isOnline, settled, stop);
  const eraser = createEraser({
    home,
    consenting,
    delivery: () => delivery,
    async erased(withdrawn) {
      tabs.tell({ kind: 'erased', withdrawn });
      await deps.end('erased');
    },
  });
  let wasOnline = isOnline();
  conditions.onChange(() => {
    if (isOnline() && !wasOnline) {
      delivery.wake();
      tasks.lookAgain();
    }
    wasOnline = isOnline();
  });

  return {
    stop: participation.stop,
    listening: insight.listening,
    recorded: insight.look,
    consentChanged() {
      restarts.restart();
      insight.look();
      delivery.wake();
    },
    hear(message) {
      if (message.kind === 'hello') {
        if (participation.leads()) for (const state of board.all()) tabs.tell({ kind: 'round', state });
        return;
      }
      // A tab that wakes from being frozen may not know yet that it leads no more.
      if (!participation.leads()) board.follow(message.state);
    },
    endedElsewhere: eraser.endedElsewhere,
    sayTrouble,
    fetchTask: (taskId, signal) => fetchTask(transport, taskId, signal),
    cells: async () => ({ available: true, cells: await consenting.cells() }),
    grant: (choice) => consenting.grant(choice),
    refuse: (choice) => consenting.refuse(choice),
    withdraw: (choice) => consenting.withdraw(choice),
    receipts: async () => ({ available: true, receipts: await consenting.receipts() }),
    async participate() {
      participation.start();
      return null;
    },
    predict: async (task) => (await insight.predicting()).predict(task),
    explain: async (task) => (await insight.predicting()).explain(task),
    async export() {
      await untilTasks(home);
      return { available: true, data: await exportTwin(home, await insight.predicting()) };
    },
    erase: () => eraser.erase(),
  };
}
