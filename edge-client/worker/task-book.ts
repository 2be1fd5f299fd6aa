/**
 * The tasks of this app: signed and logged by the coordinator, verified once, then kept, since a published task never changes. What a twin
 * collects, keeps and computes follows from them and from nothing else.
 */
import { bytesToUtf8, utf8ToBytes } from '@twinkeep/audit';
import type { LoggedStatement, TaskSpec } from '@twinkeep/protocol';
import type { AdmitPolicy } from '../admit.ts';
import { planOf, type FeaturePlan } from '../features/plan.ts';
import type { DeviceStore } from '../store/device.ts';
import { createBell } from './bell.ts';
import type { Platform } from './platform.ts';
import { readyParts } from './ready-parts.ts';
import type { CheckedSettings } from './settings.ts';
import type { SayTrouble } from './say-trouble.ts';

export interface TaskBook {
  /** Verified tasks, in the order of the options. */
  specs(): readonly TaskSpec[];
  spec(taskId: string): TaskSpec | null;
  logged(taskId: string): LoggedStatement<TaskSpec> | null;
  plan(): FeaturePlan;
  policy(): AdmitPolicy;
  /** Resolves as soon as each task is known, or was looked for once. */
  looked: Promise<void>;
  /** Resolves with the task as soon as it is known; null when asked to stop before. */
  awaitTask(taskId: string, stop: AbortSignal): Promise<LoggedStatement<TaskSpec> | null>;
  /** Says again what is in the way of a task that is not known. */
  sayMissing(taskId: string): void;
  /** Looks at once for what is missing: the network is back. */
  lookAgain(): void;
}

export interface TaskBookDeps {
  settings: CheckedSettings;
  platform: Pick<Platform, 'loadRoundParts'>;
  store: Pick<DeviceStore, 'readMemo' | 'writeMemo'>;
  /** From the coordinator, not yet verified. */
  fetchTask: (taskId: string, stop: AbortSignal) => Promise<LoggedStatement<TaskSpec>>;
  sayTrouble: SayTrouble;
  stop: AbortSignal;
}

/** Milliseconds between two looks for a task that is missing or refused. */
const RETRY = 15_000;

export function createTaskBook(deps: TaskBookDeps): TaskBook {
  const { settings, stop } = deps;
  const known = new Map<string, LoggedStatement<TaskSpec>>();
  const missing = new Map<string, unknown>();
  const waiting = new Map<string, Set<() => void>>();
  const bells = new Map(settings.tasks.map((taskId) => [taskId, createBell()]));
  let plan: FeaturePlan | null = null;

  const learn = (taskId: string, task: LoggedStatement<TaskSpec>): void => {
    known.set(taskId, task);
    missing.delete(taskId);
    plan = null;
    for (const resolve of waiting.get(taskId) ?? []) resolve();
    waiting.delete(taskId);
  };
  const specs = (): TaskSpec[] => settings.tasks.flatMap((taskId) => known.get(taskId)?.statement.body ?? []);

  /** @returns whether it is known now */
  const look = async (taskId: string): Promise<boolean> => {
    try {
      learn(taskId, await findTask(deps, taskId));
      return true;
    } catch (error) {
      missing.set(taskId, error);
      if (!stop.aborted) deps.sayTrouble(taskId, error);
      return false;
    }
  };
  const keepLooking = async (taskId: string): Promise<void> => {
    while (!stop.aborted) {
      await bells.get(taskId)?.wait(RETRY, stop);
      if (stop.aborted || (await look(taskId))) return;
    }
  };
  const start = async (taskId: string): Promise<void> => {
    if (!(await look(taskId))) void keepLooking(taskId);
  };
  const looked = Promise.all(settings.tasks.map(start)).then(() => {});

  return {
    specs,
    spec: (taskId) => known.get(taskId)?.statement.body ?? null,
    logged: (taskId) => known.get(taskId) ?? null,
    plan: () => (plan ??= planOf(specs())),
    policy: () => ({
      uses: specs(),
      retentionDays: settings.retentionDays,
    }),
    looked,
    async awaitTask(taskId, until) {
      if (!known.has(taskId) && !until.aborted)
        await new Promise<void>((resolve) => {
          waiting.set(taskId, (waiting.get(taskId) ?? new Set()).add(resolve));
          until.addEventListener('abort', () => resolve(), { once: true });
        });
      return until.aborted ? null : (known.get(taskId) ?? null);
    },
    sayMissing(taskId) {
      if (missing.has(taskId)) deps.sayTrouble(taskId, missing.get(taskId));
    },
    lookAgain: () => bells.forEach((bell) => bell.ring()),
  };
}

/**
 * Raised whenever tasks get another form, so that one that was kept in the old form is fetched again. What is kept is not parsed: the
 * schemas of the protocol are for what others send, and would be half of what a page loads to record an event.
 */
export const TASK_FORM = 3;

/** What is kept was verified under this trust root, and nobody but this origin can change it; what comes from the coordinator is now. */
async function findTask(
  { settings, platform, store, fetchTask, stop }: TaskBookDeps,
  taskId: string,
): Promise<LoggedStatement<TaskSpec>> {
  const key = `task/${TASK_FORM}/${settings.trustId}/${taskId}`;
  const kept = await store.readMemo(key);
  if (kept !== null) return JSON.parse(bytesToUtf8(kept)) as LoggedStatement<TaskSpec>;
  const task = await fetchTask(taskId, stop);
  const { verifyTask } = await readyParts(platform);
  verifyTask(task, taskId, settings.trust);
  await store.writeMemo(key, utf8ToBytes(JSON.stringify(task)));
  return task;
}
