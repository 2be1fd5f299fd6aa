/** The bank's app, the man in the middle, and the whole house behind: what the tests of a twin in a browser start from. */
import type { RoundResult, TaskSpec } from '@twinkeep/protocol';
import { clearSumHash } from '../../faults/clear-sum.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../../support/world.ts';
import { startBankApp, type BankApp } from './app.ts';
import { startManInTheMiddle, type ManInTheMiddle } from './proxy.ts';

/**
 * Rounds end by their number of reports, never by their time: a slow machine changes nothing. Everybody is asked to train, so that a
 * test knows what the twin does.
 */
export const PATIENT = {
  evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0 },
  windows: { collect: 3_600_000, ack: 60_000, reveal: 60_000 },
} as const satisfies Partial<TaskSpec>;

export interface House {
  app: BankApp;
  world: World;
  /** Between the pages and the coordinator. */
  proxy: ManInTheMiddle;
  /** A new task, whose rounds end with so many reports, and this many others who report when told to, 2 twins each. */
  begin(nTarget: number, others?: number): Promise<Begun>;
  /** Between two tests. */
  calmDown(): void;
  stop(): Promise<void>;
}

export interface Begun {
  taskId: string;
  task: TaskSpec;
  others: Reporter[];
  /** The others (or these of them) report, and the round comes to its end. */
  endRound(round: number, reporting?: readonly Reporter[]): Promise<EndedRound>;
}

export interface EndedRound extends RoundResult {
  /** Hash of the sum of what these others reported and what else is given. */
  sumWith(...own: readonly Int32Array[]): string;
}

export async function createHouse(): Promise<House> {
  const app = await startBankApp();
  const proxy = await startManInTheMiddle();
  const behindProxy = (port: number): string => {
    proxy.target = port;
    return proxy.url;
  };
  const world = await createWorld(3, behindProxy, [app.origin]);
  app.serve(world);
  await world.coordinator.start();
  await Promise.all(world.helpers.map((helper) => helper.start()));
  const reporting: Reporter[] = [];
  let tasks = 0;
  return {
    app,
    world,
    proxy,
    async begin(nTarget, others = 2) {
      const floors = { nMin: 2, nTarget, minTwins: 2, maxTwins: 1000 };
      const task = smallTask(`browser-${tasks++}`, { ...PATIENT, rounds: 4, floors });
      await world.publish(task);
      const begun = await startOthers(world, task, others);
      reporting.push(...begun.others);
      return begun;
    },
    calmDown() {
      proxy.reset();
      for (const { process } of reporting.splice(0)) process.kill('SIGKILL');
    },
    async stop() {
      await world.stop();
      await app.stop();
      proxy.close();
    },
  };
}

export async function startOthers(world: World, task: TaskSpec, count: number): Promise<Begun> {
  const start = (_: unknown, i: number): Promise<Reporter> => world.startReporter(i, randomSubjects(2), task);
  const others = await Promise.all(Array.from({ length: count }, start));
  const { taskId } = task;
  return {
    taskId,
    task,
    others,
    async endRound(round, reporting = others) {
      const vectors = await Promise.all(reporting.map((reporter) => reporter.quantized(round)));
      for (const reporter of reporting) reporter.upload(round);
      const result = (await world.untilEnded(taskId, round, 90))[round - 1] as RoundResult;
      return {
        ...result,
        sumWith: (...own) => clearSumHash([...vectors.map(({ values }) => values), ...own]),
      };
    },
  };
}
