/** What the status page knows, and how it keeps up: one look after another, each of which reads the state as it is. */
import { signal, type Signal } from '@preact/signals';
import {
  progressPath,
  taskListSchema,
  taskProgressSchema,
  type EndedRound,
  type TaskProgress,
  type TaskSummary,
} from '@twinkeep/coordinator/api';
import { consistencySchema, PATHS, taskAnswerSchema, type TaskSpec } from '@twinkeep/protocol';
import { demoInfoSchema, PAGES, type DemoInfo } from '../../server/info.ts';
import { coordinatorPath, readJson, readText, RefusedError } from '../ui/read.ts';
import { createLogWitness, type HeadStore, type LogView, type LogWitness } from './log.ts';

export interface Status {
  info: Signal<DemoInfo | null>;
  tasks: Signal<readonly TaskSummary[]>;
  /** The task that the visitor chose; null: that of the final table as long as it runs, then the one for visitors. */
  chosen: Signal<string | null>;
  progress: Signal<TaskProgress | null>;
  /** The specification of the task that `progress` is of. */
  task: Signal<TaskSpec | null>;
  log: Signal<LogView | null>;
  /** Why nothing new comes, in a sentence. */
  trouble: Signal<string | null>;
}

export function createStatus(): Status {
  return {
    info: signal(null),
    tasks: signal([]),
    chosen: signal(null),
    progress: signal(null),
    task: signal(null),
    log: signal(null),
    trouble: signal(null),
  };
}

/** Rounds that are kept and shown; older ones are in the log. */
const MAX_ROUNDS = 240;
const LOOK_MILLIS = 1_000;

/** Looks once a second, for as long as the page is visible. Never ends. */
export async function keepLooking(status: Status, store: HeadStore): Promise<never> {
  const witness = createWitnesses(store);
  for (;;) {
    try {
      await look(status, witness);
    } catch {
      status.trouble.value =
        status.info.value?.stage === 'ended'
          ? 'The demo has ended. What is shown here is how it stood.'
          : 'The coordinator does not answer at the moment. This page keeps asking.';
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
    await untilVisible();
  }
}

async function look(status: Status, witnessOf: (vkey: string) => LogWitness): Promise<void> {
  const info = await readJson(PAGES.info, demoInfoSchema);
  status.info.value = info;
  if (info.coordinatorUrl === null || info.trust === null) {
    status.trouble.value = PAUSES[info.stage];
    return;
  }
  const { tasks } = await readJson(coordinatorPath(PATHS.tasks), taskListSchema);
  status.tasks.value = tasks;
  const taskId = status.chosen.value ?? currentTask(info, tasks);
  status.progress.value = taskId === null ? null : await readProgress(taskId, status.progress.value);
  if (taskId !== (status.task.value?.taskId ?? null))
    status.task.value = taskId === null ? null : await readTask(taskId);
  status.log.value = await witnessOf(info.trust.log.vkey).look();
  status.trouble.value = null;
}

async function readTask(taskId: string): Promise<TaskSpec> {
  const { statement } = await readJson(coordinatorPath(PATHS.task(taskId)), taskAnswerSchema);
  return statement.body;
}

const PAUSES: Readonly<Record<DemoInfo['stage'], string>> = {
  preparing: 'The demo is starting: keys, databases and customers are being made.',
  training: 'The coordinator is being started.',
  live: 'The coordinator is being started.',
  ended: 'The demo has ended. What is shown here is how it stood.',
};

function currentTask({ task, liveTask }: DemoInfo, tasks: readonly TaskSummary[]): string | null {
  const isUnderWay = tasks.some(({ taskId, state }) => taskId === task && state !== 'finished');
  const wanted = isUnderWay ? task : liveTask;
  return tasks.find(({ taskId }) => taskId === wanted)?.taskId ?? tasks.at(-1)?.taskId ?? null;
}

/** Asks only for the rounds that ended since the last look. */
async function readProgress(taskId: string, known: TaskProgress | null): Promise<TaskProgress> {
  const ended: EndedRound[] = known?.taskId === taskId ? [...known.ended] : [];
  for (;;) {
    const after = ended.at(-1)?.round ?? 0;
    const page = await readJson(
      coordinatorPath(`${progressPath(taskId)}?after=${after}`),
      taskProgressSchema,
    );
    ended.push(...page.ended);
    if (page.ended.length === 0) return { ...page, ended: ended.slice(-MAX_ROUNDS) };
  }
}

/** One witness per log: another run of the demo has another key, and is another log. */
function createWitnesses(store: HeadStore): (vkey: string) => LogWitness {
  const witnesses = new Map<string, LogWitness>();
  const reads = {
    checkpoint: () => readText(coordinatorPath(PATHS.checkpoint)),
    consistency: async (from: number, to: number): Promise<string[] | null> => {
      const path = coordinatorPath(`${PATHS.consistency}?from=${from}&to=${to}`);
      try {
        return (await readJson(path, consistencySchema)).proof;
      } catch (error) {
        if (error instanceof RefusedError && error.status < 500) return null;
        throw error;
      }
    },
  };
  return (vkey) => {
    const witness = witnesses.get(vkey) ?? createLogWitness(vkey, reads, store, Date.now);
    witnesses.set(vkey, witness);
    return witness;
  };
}

function untilVisible(): Promise<void> {
  if (document.visibilityState === 'visible') return Promise.resolve();
  return new Promise((resolve) =>
    document.addEventListener('visibilitychange', () => resolve(), { once: true }),
  );
}
