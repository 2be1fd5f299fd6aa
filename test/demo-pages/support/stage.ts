/**
 * The two pages on a stage of their own: built from the sources, served as the demo serves them, before a real coordinator with real helpers
 * and region nodes that train on the demo's customers.
 */
import { createTelecomPopulation } from '@twinkeep/synthetic';
import type { TaskSpec } from '@twinkeep/protocol';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { telecomCustomers } from '../../../demo/customers/telecom.ts';
import { visitorsTask } from '../../../demo/live.ts';
import { createIssuer, type Issuer } from '../../../demo/server/credentials.ts';
import type { DemoInfo } from '../../../demo/server/info.ts';
import { startPagesServer, type PagesServer } from '../../../demo/server/server.ts';
import { createWorld, type World } from '../../support/world.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CACHE = join(ROOT, 'node_modules/.cache');
const NODES = 3;
const CUSTOMERS = 90;

export interface Stage {
  pages: PagesServer;
  world: World;
  task: TaskSpec;
  tell(change: Partial<DemoInfo>): void;
  /** Publishes the visitors' task and lets the nodes follow it. */
  openToVisitors(): Promise<void>;
  stop(): Promise<void>;
}

export async function buildPages(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'twinkeep-pages-'));
  await build({
    configFile: join(ROOT, 'demo/pages/vite.config.ts'),
    build: { outDir: folder, emptyOutDir: true },
  });
  return folder;
}

export async function startStage(): Promise<Stage> {
  const folder = await buildPages();
  let info: DemoInfo = {
    ...{ stage: 'preparing', coordinatorUrl: null, trust: null, task: null, liveTask: null },
    ...{ nodes: NODES, controller: 'urn:twinkeep:demo:telecom' },
  };
  let issuer: Issuer | null = null;
  const tell = (change: Partial<DemoInfo>): void => void (info = { ...info, ...change });
  const pages = await startPagesServer({ folder, port: 0, info: () => info, issuer: () => issuer });
  const world = await createWorld(NODES, undefined, [pages.origin]);
  await world.coordinator.start();
  await Promise.all(world.helpers.map((helper) => helper.start()));
  const { trust } = world.parties;
  issuer = await createIssuer(await readFile(join(world.folder, 'issuer', 'key.json'), 'utf8'), trust);
  tell({ coordinatorUrl: world.url, trust });

  const task = quickTask();
  return {
    pages,
    world,
    task,
    tell,
    async openToVisitors() {
      await world.publish(task);
      await Promise.all(Array.from({ length: NODES }, (_, i) => world.startNode(i, customersOf(i), task)));
      tell({ stage: 'live', liveTask: task.taskId });
    },
    async stop() {
      await pages.close();
      await world.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The demo’s own task, with rounds as short as a busy machine allows. */
function quickTask(): TaskSpec {
  const demo = telecomCustomers(CUSTOMERS, 1, Date.now()).task({
    ...{ taskId: 'demo-1', rounds: 60, customers: CUSTOMERS, nodes: NODES, minTwins: 5, seed: '1' },
    privacy: { epsilon: 'none', delta: null, participations: null },
  });
  const task = visitorsTask(demo);
  return {
    ...task,
    floors: { ...task.floors, nMin: NODES - 1 },
    windows: { collect: 5_000, ack: 10_000, reveal: 10_000 },
  };
}

/** In the form in which a region node imports customers. */
function customersOf(node: number): object[] {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const population = createTelecomPopulation({
    seed: 1,
    customers: CUSTOMERS,
    referenceTime: `${new Date(today - 90 * 86_400_000).toISOString().slice(0, 19)}Z`,
  });
  const share = CUSTOMERS / NODES;
  return Array.from({ length: share }, (_, i) => node * share + i).flatMap((index) => {
    const customer = population.customer(index).id;
    const consent = { granted: ['transactional', 'behavioral', 'interaction', 'feedback'] };
    return [{ customer, consent }, ...population.customerEvents(index).map((event) => ({ customer, event }))];
  });
}
