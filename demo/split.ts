/** One split: parties are made, customers move in, rounds run, and what came of it is compared with what a single place could do. */
import { CATEGORIES, type Category } from '@twinkeep/consent';
import type { AdmitPolicy } from '@twinkeep/edge-client/fleet';
import { createTfEngine, loadTf, type TrainingRows } from '@twinkeep/edge-client/train';
import { networkOf, type TaskSpec } from '@twinkeep/protocol';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { auc, logLoss } from './baselines/metrics.ts';
import type { DemoOptions } from './cli.ts';
import { compare } from './compare.ts';
import { createCoordinatorClient, type CoordinatorClient } from './coordinator.ts';
import type { Customers, NodeCustomers } from './customers/customers.ts';
import type { Display } from './display.ts';
import type { ModelFigures, SplitFigures } from './figures.ts';
import { importNeighbours, openToVisitors, visitorsTask, type Live } from './live.ts';
import { verifyLogFromOutside } from './outside.ts';
import { createParties, openParties, WITNESSES } from './parties.ts';
import { fewestTwins, partition } from './partition.ts';
import { dropPartyDatabases } from './postgres/index.ts';
import type { Processes } from './processes.ts';
import { count } from './progress.ts';
import { followRounds, type Finished } from './rounds.ts';
import { keptSettings, writeState, type RunState } from './state.ts';
import { readNodeTwins, type NodeTwins } from './twins.ts';
import {
  bindWitnesses,
  furnish,
  importCustomers,
  openNodeStore,
  startCoordinator,
  startNodes,
  type ForVisitors,
  type World,
} from './world.ts';

export interface Stage {
  options: DemoOptions;
  customers: Customers;
  adminUrl: string;
  /** Of this run: keys, configurations, logs. */
  folder: string;
  processes: Processes;
  display: Display;
  /** Null where nobody may visit. */
  live: Live | null;
}

/** What is left running, where visitors may come. */
export interface ToldSplit {
  figures: SplitFigures;
  task: TaskSpec;
  world: World;
  coordinator: CoordinatorClient;
}

/** @param kept what to go on with; null: from empty databases */
export async function runSplit(stage: Stage, split: number, kept: RunState | null): Promise<ToldSplit> {
  const { options, customers, processes, display, live } = stage;
  const started = performance.now();
  const seed = `${options.seed}/${split}`;
  const spread = partition(customers.size, options.nodes, seed);
  const before = kept === null ? newState(stage, spread, seed) : nextState(stage, kept, spread, seed);
  const visitors =
    live === null ? null : { origin: live.origin, task: visitorsTask(numberedTask(stage, 1, spread, seed)) };
  const world = await display.step('Keys, databases and roles for all parties', () =>
    (kept === null ? moveIn : moveBackIn)(stage, before, seed, visitors),
  );
  await display.step(`Coordinator, its ${WITNESSES} witnesses and helpers started`, () =>
    startCoordinator(world, processes),
  );
  const coordinator = createCoordinatorClient(world.coordinatorUrl);
  const state = await receiveVisitors(stage, world, visitors, coordinator, before);
  const residents = await display.step(`Records of ${customers.title} given to their nodes`, () =>
    Promise.all(world.parties.nodes.map((node, i) => customers.writeFor(node.folder, spread[i] ?? []))),
  );
  if (kept === null) await importAll(stage, world, spread, residents, state);
  await display.step(`${options.nodes} region nodes started`, () =>
    startNodes(world.parties.nodes, processes),
  );

  live?.tell({ stage: 'training', task: state.task.taskId });
  const finished = await runTask(stage, world, coordinator, state);
  const { entries } = await checkLog(stage, world, coordinator);
  const weights = await coordinator.weights(state.task, finished.model);
  const twins = await display.step('Consents and roles at the end read', () =>
    readTwins(stage, world, spread, residents, state.task),
  );
  await processes.stop(world.parties.nodes.map(({ name }) => name));
  if (live === null) await processes.stopAll();

  const heldOut = concatRows(
    twins.map((node) => node.heldOut),
    networkOf(state.task).inputs,
  );
  const federated = { ...(await score(state.task, weights, heldOut)), ...secureOf(finished) };
  const others = await display.step('Pooled, local and logistic models trained for comparison', () =>
    compare(
      { spec: networkOf(state.task), seed, nodes: twins.map(({ training }) => training), test: heldOut },
      (epoch) => display.status(`  Comparison: ${epoch}`),
    ),
  );
  const total = (key: keyof NodeTwins['consent']): number => sum(twins.map(({ consent }) => consent[key]));
  const figures = {
    federated,
    ...others,
    seed,
    trainingTwins: sum(twins.map(({ training }) => training.n)),
    holdout: { twins: heldOut.n, positives: sum([...heldOut.labels]) },
    consent: { granted: total('granted'), refused: total('refused'), withdrawn: total('withdrawn') },
    rounds: finished.rounds,
    privacy: finished.privacy,
    log: { entries },
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
  return { figures, task: state.task, world, coordinator };
}

function secureOf({
  secureAuc,
  secureAucError,
}: Finished): Pick<SplitFigures['federated'], 'secureAuc' | 'secureAucError'> {
  return { secureAuc, secureAucError };
}

type Spread = readonly (readonly number[])[];

function newState(stage: Stage, spread: Spread, seed: string): RunState {
  const task = numberedTask(stage, 1, spread, seed);
  return {
    madeAt: Date.now(),
    settings: keptSettings(stage.options),
    number: 1,
    task,
    stage: 'importing',
    neighbours: false,
  };
}

/** A task that was interrupted goes on; after a finished one comes another, from new first weights. */
function nextState(stage: Stage, kept: RunState, spread: Spread, seed: string): RunState {
  if (kept.stage !== 'finished') return kept;
  const number = kept.number + 1;
  return { ...kept, number, task: numberedTask(stage, number, spread, seed), stage: 'imported' };
}

function numberedTask({ options, customers }: Stage, number: number, spread: Spread, seed: string): TaskSpec {
  return customers.task({
    taskId: `demo-${number}`,
    rounds: options.rounds,
    customers: customers.size,
    nodes: options.nodes,
    minTwins: fewestTwins(spread),
    privacy: options.privacy,
    seed: `${seed}/${number}`,
  });
}

async function moveIn(
  { adminUrl, folder, options }: Stage,
  { task }: RunState,
  seed: string,
  visitors: ForVisitors | null,
): Promise<World> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'logs'), { recursive: true, mode: 0o700 });
  await dropPartyDatabases(adminUrl);
  const parties = await createParties(folder, options.nodes, WITNESSES);
  const world = await furnish(adminUrl, parties, task, seed, visitors);
  await bindWitnesses(world);
  return world;
}

async function moveBackIn(
  { adminUrl, folder, options }: Stage,
  { task }: RunState,
  seed: string,
  visitors: ForVisitors | null,
): Promise<World> {
  return furnish(adminUrl, await openParties(folder, options.nodes), task, seed, visitors);
}

/** From here on a visitor may come, while the nodes of the final table are still being filled. */
async function receiveVisitors(
  { options, folder, display, processes, live }: Stage,
  world: World,
  visitors: ForVisitors | null,
  coordinator: CoordinatorClient,
  state: RunState,
): Promise<RunState> {
  if (live === null || visitors === null) return state;
  await live.moveIn(folder, world);
  return display.step(`${world.parties.neighbours.length} small nodes started, for visitors`, async () => {
    if (!state.neighbours) await importNeighbours(world, processes, options.seed, state.madeAt);
    await openToVisitors(live, world, processes, coordinator, visitors.task);
    return { ...state, neighbours: true };
  });
}

async function importAll(
  { folder, display, processes }: Stage,
  world: World,
  spread: Spread,
  residents: readonly NodeCustomers[],
  state: RunState,
): Promise<void> {
  await writeState(folder, state);
  const sizes = spread.map(({ length }) => length);
  const between = `${count(Math.min(...sizes))} to ${count(Math.max(...sizes))} per node`;
  await display.step(`Imported there, ${between}`, () =>
    importCustomers(
      world.parties.nodes,
      processes,
      residents.map(({ importArgs }) => importArgs),
      availableParallelism(),
    ),
  );
  await writeState(folder, { ...state, stage: 'imported' });
}

async function runTask(
  { folder, display, options }: Stage,
  { parties }: World,
  coordinator: CoordinatorClient,
  state: RunState,
): Promise<Finished> {
  const { task } = state;
  if (state.stage !== 'published') {
    await coordinator.publishTask(task, parties.operator);
    await writeState(folder, { ...state, stage: 'published' });
  }
  const finished = await display.step(
    `${task.rounds} training rounds`,
    () =>
      followRounds(
        coordinator,
        task,
        options.nodes,
        (progress) => display.progress(progress),
        () => performance.now(),
      ),
    ({ rounds, privacy }) =>
      `${rounds.sealed} sealed, ${rounds.abandoned} abandoned, ${rounds.dropouts} dropouts` +
      (privacy !== null && rounds.sealed < task.rounds ? '; stopped: the privacy budget is spent' : ''),
  );
  await writeState(folder, { ...state, stage: 'finished' });
  return finished;
}

function checkLog(
  { folder, display }: Stage,
  { parties }: World,
  coordinator: CoordinatorClient,
): Promise<{ entries: number }> {
  const file = join(folder, 'log-export.txt');
  return display.step(
    'Audit log downloaded and verified from outside',
    () => verifyLogFromOutside(coordinator, parties.trust.log.vkey, file),
    ({ entries }) => `${count(entries)} entries, all consistent`,
  );
}

async function readTwins(
  { customers }: Stage,
  world: World,
  spread: Spread,
  residents: readonly NodeCustomers[],
  task: TaskSpec,
): Promise<NodeTwins[]> {
  const policy = demoPolicy(task);
  const twins: NodeTwins[] = [];
  for (const [i, node] of world.parties.nodes.entries()) {
    const names = residents[i]?.names ?? [];
    const own = (spread[i] ?? []).map((index, k) => ({
      name: names[k] ?? '',
      events: customers.events(index),
    }));
    const store = await openNodeStore(world, node);
    try {
      twins.push(await readNodeTwins(store, task, own, policy, Date.now()));
    } finally {
      await store.close();
    }
  }
  return twins;
}

/** What a node admits that was given no other limits. */
function demoPolicy({ purpose, sector }: TaskSpec): AdmitPolicy {
  const retentionDays = Object.fromEntries(CATEGORIES.map((category) => [category, 730]));
  return { uses: [{ purpose, sector }], retentionDays: retentionDays as Record<Category, number> };
}

/** Exact figures, from a logit per row. */
async function score(task: TaskSpec, weights: Float32Array, rows: TrainingRows): Promise<ModelFigures> {
  const { tf } = await loadTf();
  const logits = await createTfEngine(tf, networkOf(task)).scores(weights, rows);
  return { auc: auc(logits, rows.labels), logLoss: logLoss(logits, rows.labels) };
}

function concatRows(parts: readonly TrainingRows[], inputs: number): TrainingRows {
  const n = sum(parts.map((part) => part.n));
  const rows = { features: new Float32Array(n * inputs), labels: new Float32Array(n), n };
  let at = 0;
  for (const part of parts) {
    rows.features.set(part.features, at * inputs);
    rows.labels.set(part.labels, at);
    at += part.n;
  }
  return rows;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
