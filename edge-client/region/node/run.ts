/**
 * The region node as a process: sends its consents, follows the rounds of its tasks, and contributes to each with the twins that may.
 * Whatever stops it, the next start goes on from the store: consents without a receipt are sent again, and a report that was
 * recorded is sent again with the same bytes.
 */
import {
  createCountingEngine,
  createOutbox,
  createTransport,
  createGatherCache,
  createInbox,
  drawRole,
  fetchTask,
  isPassing,
  planOf,
  submitConsents,
  type FeaturePlan,
  type Outbox,
  type Participant,
  type Transport,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';
import {
  parseTask,
  ProblemError,
  randomBytes,
  taskSpecSchema,
  trustToPinned,
  verifyLogged,
  type LoggedStatement,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { RegionError } from '../errors.ts';
import { nodePrg } from '../helper/node-prg.ts';
import { readCredential, readTrust } from '../process/config.ts';
import { listen } from '../process/database.ts';
import { announceReady, pause } from '../process/lifecycle.ts';
import { createLogger, errorFields, type Logger } from '../process/logger.ts';
import { CHANGE_CHANNEL } from '../store/schema.ts';
import { createChanges, type Changes } from './changes.ts';
import { createLazyEngine } from './engine.ts';
import { followTask } from './follow.ts';
import { cacheModels } from './model-cache.ts';
import { openRegion, type Region } from './open.ts';
import { createPreparation } from './prepare.ts';
import { seededRole } from './roles.ts';

const RETRY_MILLIS = 1_000;
const LONGEST_RETRY_MILLIS = 30_000;
/** How long a consent may wait where the notice of it was lost. */
const RESCAN_MILLIS = 5_000;

/** `twinkeep-region run`, until asked to stop. @throws RegionError where it cannot start */
export async function runRegion(
  configFile: string,
  taskIds: readonly string[],
  stop: AbortSignal,
): Promise<void> {
  const node = await openNode(configFile);
  const { region, outbox } = node;
  const named = [...new Set([...region.config.tasks, ...taskIds])];
  const changes = createChanges();
  let unlisten: () => Promise<void> = async () => {};
  try {
    if (named.length === 0)
      throw new RegionError('config/invalid', `${configFile}: name a task in "tasks", or with --task`);
    unlisten = await listen(region.config.databaseUrl, CHANGE_CHANNEL, changes.notice);
    // The first round is for those whose consent is in the log, so the log comes first.
    await flush(node, outbox, stop);
    announceReady();
    await Promise.all([deliverLater(node, changes, stop), followAll(node, named, changes, stop)]);
  } finally {
    await unlisten();
    await region.store.close();
  }
}

interface Node {
  region: Region;
  trust: Trust;
  credential: string;
  transport: Transport;
  outbox: Outbox;
  log: Logger;
}

async function openNode(configFile: string): Promise<Node> {
  const region = await openRegion(configFile);
  const { config, key, store } = region;
  const trust = await readTrust(config.trustFile);
  const credential = await readCredential(config.credentialFile);
  const log = createLogger('region');
  const transport = createTransport({
    baseUrl: config.coordinatorUrl,
    key,
    credential: () => credential,
    fetch: cacheModels(globalThis.fetch),
    clock: Date.now,
    random: randomBytes,
  });
  const outbox = createOutbox({
    store,
    submit: (events) => submitConsents(transport, events, trust.log.vkey),
    onRefused: (error) => log.error(errorFields(error), 'the coordinator refuses a consent event of a twin'),
  });
  return { region, trust, credential, transport, outbox, log };
}

/** Tries until everything that waits is delivered. */
async function flush({ log }: Node, outbox: Outbox, stop: AbortSignal): Promise<void> {
  for (let wait = RETRY_MILLIS; !stop.aborted; wait = Math.min(2 * wait, LONGEST_RETRY_MILLIS)) {
    try {
      const delivered = await outbox.flush();
      if (delivered > 0) log.info({ delivered }, 'consents are delivered');
      return;
    } catch (error) {
      if (stop.aborted) return;
      log.warn(errorFields(error), 'consents wait');
      await pause(wait, stop);
    }
  }
}

/** A task that is not published yet is waited for. @throws ProtocolError where it is not what the trust root signed */
async function awaitTasks(
  node: Node,
  taskIds: readonly string[],
  stop: AbortSignal,
): Promise<LoggedStatement<TaskSpec>[]> {
  const tasks: LoggedStatement<TaskSpec>[] = [];
  for (const taskId of taskIds) {
    const task = await awaitTask(node, taskId, stop);
    if (task !== null) tasks.push(task);
  }
  return tasks;
}

async function awaitTask(
  { trust, transport, log }: Node,
  taskId: string,
  stop: AbortSignal,
): Promise<LoggedStatement<TaskSpec> | null> {
  const pinned = trustToPinned(trust);
  while (!stop.aborted) {
    try {
      const task = await fetchTask(transport, taskId, stop);
      parseTask(verifyLogged(task, 'task', taskSpecSchema, pinned).statement.body);
      return task;
    } catch (error) {
      if (stop.aborted) break;
      const unknown = error instanceof ProblemError && error.code === 'task/unknown';
      if (!unknown && !isPassing(error)) throw error;
      log.debug({ taskId, ...errorFields(error) }, 'waits for the task');
      await pause(RETRY_MILLIS, stop);
    }
  }
  return null;
}

async function followAll(
  node: Node,
  taskIds: readonly string[],
  changes: Changes,
  stop: AbortSignal,
): Promise<void> {
  const { region, log } = node;
  const tasks = await awaitTasks(node, taskIds, stop);
  if (stop.aborted) return;
  const specs = tasks.map(({ statement }) => statement.body);
  const plan = planOf(specs);
  const policy = region.policyFor(specs);
  const inbox = createInbox({ store: region.store, transport: node.transport, trust: node.trust });
  const prepare = createPreparation({ region, inbox, plan, policy, changes, log, clock: Date.now });
  const following = tasks.map((task) => {
    const participant = participantOf(node, task.statement.body, plan);
    return followTask({ participant, prepare, log }, task, stop);
  });
  await Promise.all(following);
}

/** Delivers what is signed later: withdrawals above all, as soon as they are stored. */
async function deliverLater(node: Node, changes: Changes, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const seen = changes.count();
    await flush(node, node.outbox, stop);
    await changes.after(seen, RESCAN_MILLIS, stop);
  }
}

function participantOf(
  { region, trust, credential, transport }: Node,
  task: TaskSpec,
  plan: FeaturePlan,
): Participant {
  const { config, key, store } = region;
  return {
    store: config.seed === undefined ? store : withSeededRoles(region, task, config.seed),
    transport,
    trust,
    plan,
    draw: () => drawRole(task, randomBytes),
    cache: createGatherCache(),
    clock: Date.now,
    device: { key, credential: () => credential },
    engine: task.model.kind === 'marginals' ? createCountingEngine(task) : createLazyEngine(task.model),
    floors: { nMin: config.minReports, minTwins: config.minTwins },
    random: randomBytes,
    prg: nodePrg,
  };
}

/** Demos and tests: who trains follows from the seed, and is kept like any other draw. */
function withSeededRoles({ store }: Region, task: TaskSpec, seed: string): TwinStore {
  return {
    ...store,
    drawRoles: (taskId, subjects) =>
      store.drawRolesBy(taskId, subjects, (identifier) => seededRole(seed, task, identifier)),
  };
}
