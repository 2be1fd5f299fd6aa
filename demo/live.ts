/**
 * What is there for visitors: two pages, and a task of their own, whose rounds begin as soon as there is a coordinator and go on slowly, beside
 * those of the final table and after them, until Ctrl-C. Everything that a page may know of the demo passes through here.
 */
import { networkOf, ProblemError, type TaskSpec } from '@twinkeep/protocol';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { EXACT_SETTINGS } from './customers/telecom.ts';
import type { DemoOptions } from './cli.ts';
import type { CoordinatorClient } from './coordinator.ts';
import { telecomCustomers } from './customers/telecom.ts';
import type { Display } from './display.ts';
import { NEIGHBOURS } from './parties.ts';
import { fewestTwins } from './partition.ts';
import type { Processes } from './processes.ts';
import { ownFolder } from './programs.ts';
import { createIssuer, type Issuer } from './server/credentials.ts';
import { PAGES, type DemoInfo } from './server/info.ts';
import { startPagesServer } from './server/server.ts';
import { assignTask, CONTROLLER, importCustomers, startNodes, type World } from './world.ts';

/** The demo, as its pages see it. */
export interface Live {
  origin: string;
  tell(change: Partial<DemoInfo>): void;
  /** Takes the issuer's key, so that visitors get credentials. `folder`: of this run. */
  moveIn(folder: string, world: World): Promise<void>;
  close(): Promise<void>;
}

/** The first choice, so that a page can be opened again after a restart; where it is taken, another. */
const PORT = 4780;

/** Visitors may come to a demo that is told to the end and then left running: nobody repeats it, saves it or brought their own data. */
export function isForVisitors({ exit, json, splits, file }: DemoOptions): boolean {
  return !exit && json === null && splits === 1 && file === null;
}

/** @throws DemoError 'demo/environment' where the pages are not built */
export async function openLive(nodes: number): Promise<Live> {
  let info: DemoInfo = {
    stage: 'preparing',
    coordinatorUrl: null,
    trust: null,
    nodes,
    task: null,
    liveTask: null,
    controller: CONTROLLER,
  };
  let issuer: Issuer | null = null;
  const server = await startPagesServer({
    folder: join(ownFolder(), 'dist-pages'),
    port: PORT,
    info: () => info,
    issuer: () => issuer,
  });
  return {
    origin: server.origin,
    tell: (change) => {
      info = { ...info, ...change };
    },
    async moveIn(folder, { coordinatorUrl, parties: { trust } }) {
      const text = await readFile(join(folder, 'issuer', 'key.json'), 'utf8');
      issuer = await createIssuer(text, trust);
      info = { ...info, coordinatorUrl, trust };
    },
    close: () => server.close(),
  };
}

export function pageLines({ origin }: Live): string[] {
  return [`  Customer page  ${origin}${PAGES.account}`, `  Status page    ${origin}${PAGES.status}`];
}

const VISITORS_TASK = 'visitors';
/** More than will come; a sum must have room for them. */
const MAX_VISITORS = 100;
/** Eight hours. */
const ROUNDS = 5_000;
/** Customers of one neighbour: few, so that its part of a round is done in a moment, whatever else this machine does. */
const NEIGHBOURHOOD = 75;

/**
 * The same question, asked of the same signals. Rounds last their whole window, so that a visitor is in time, and the model is logistic
 * regression: it can go on learning for hours without learning its customers by heart.
 * @param task of the final table, whose nodes join the neighbours later
 */
export function visitorsTask(task: TaskSpec): TaskSpec {
  const { nTarget, minTwins, maxTwins } = task.floors;
  return {
    ...task,
    taskId: VISITORS_TASK,
    rounds: ROUNDS,
    model: { ...networkOf(task), hidden: [] },
    // A few hundred neighbours are too few for noise that protects each of them and leaves a model: every screen says that this one has none.
    privacy: { mech: 'none' },
    ...EXACT_SETTINGS,
    optimizer: { kind: 'adam', learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0 },
    floors: {
      nMin: NEIGHBOURS - 1,
      nTarget: nTarget + NEIGHBOURS + MAX_VISITORS,
      minTwins: Math.min(minTwins, fewestTwins([Array.from({ length: NEIGHBOURHOOD }, (_, i) => i)])),
      maxTwins: maxTwins + NEIGHBOURS * NEIGHBOURHOOD + MAX_VISITORS,
    },
    windows: { collect: 6_000, ack: 5_000, reveal: 5_000 },
  };
}

/** Customers that the neighbours have for themselves. @param madeAt milliseconds since 1970 */
export async function importNeighbours(
  { parties: { neighbours } }: World,
  processes: Processes,
  seed: number,
  madeAt: number,
): Promise<void> {
  const customers = telecomCustomers(neighbours.length * NEIGHBOURHOOD, OTHER_PEOPLE + seed, madeAt);
  const imports = neighbours.map(({ folder }, n) =>
    customers.writeFor(
      folder,
      Array.from({ length: NEIGHBOURHOOD }, (_, i) => n * NEIGHBOURHOOD + i),
    ),
  );
  const importArgs = (await Promise.all(imports)).map(({ importArgs }) => importArgs);
  await importCustomers(neighbours, processes, importArgs, availableParallelism());
}

/** Added to the seed: people who are in no other population of a demo. */
const OTHER_PEOPLE = 2 ** 40;

/**
 * The neighbours take part from now on, and visitors may. The nodes of the final table are not asked meanwhile: their customers withdraw
 * all the time, which takes their node's report out of any round that stays open for long.
 */
export async function openToVisitors(
  live: Live,
  { parties: { neighbours, operator } }: World,
  processes: Processes,
  coordinator: CoordinatorClient,
  task: TaskSpec,
): Promise<void> {
  // Nodes wait for a task, but no round waits for its nodes.
  await startNodes(neighbours, processes);
  try {
    await coordinator.publishTask(task, operator);
  } catch (error) {
    // An earlier run published it (`--keep`): it goes on as it was.
    if (!(error instanceof ProblemError && error.code === 'task/exists')) throw error;
  }
  live.tell({ liveTask: task.taskId });
}

/** The nodes of the final table join the visitors' rounds, one after the other, so that those who are in a round get on with it. */
async function joinVisitors({ parties: { nodes } }: World, processes: Processes): Promise<void> {
  for (const node of nodes) {
    await assignTask(node, VISITORS_TASK);
    await startNodes([node], processes);
  }
}

/** Says how the visitors' rounds come along, until the demo is asked to end. Never resolves. */
export async function goOn(
  live: Live,
  { world, coordinator }: { world: World; coordinator: CoordinatorClient },
  processes: Processes,
  display: Display,
): Promise<never> {
  live.tell({ stage: 'live' });
  await display.step('The region nodes joined the rounds for visitors', () => joinVisitors(world, processes));
  display.line('The rounds for visitors go on. Take part in your browser; Ctrl-C ends the demo.');
  for (const line of pageLines(live)) display.line(line);
  let after = 0;
  for (;;) {
    // The coordinator may be started again meanwhile.
    const results = await coordinator.results(VISITORS_TASK, after).catch(() => []);
    const last = results.findLast(({ status }) => status === 'sealed');
    after = results.at(-1)?.round ?? after;
    if (last !== undefined) {
      const auc = last.evaluation?.auc?.toFixed(3) ?? 'not yet known';
      display.status(
        `  Round ${last.round}: ${last.count} reports, ${last.twins} twins, AUC ${auc}. Ctrl-C ends the demo.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
