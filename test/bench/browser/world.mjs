/** A real coordinator with four helpers and one region node, as the demo makes them, and what an app gives to a twin. */
import { parameterCount } from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCoordinatorClient } from '../../../demo/dist/coordinator.js';
import { telecomCustomers } from '../../../demo/dist/customers/telecom.js';
import { freePort } from '../../../demo/dist/free-port.js';
import { createParties } from '../../../demo/dist/parties.js';
import { createPartyDatabase, startPostgres } from '../../../demo/dist/postgres/index.js';
import { createProcesses } from '../../../demo/dist/processes.js';
import { createIssuer, credentialFor } from '../../../demo/dist/server/credentials.js';
import { recordsOf } from '../../../demo/dist/server/records.js';
import {
  bindWitnesses,
  CONTROLLER,
  furnish,
  importCustomers,
  startCoordinator,
  startNodes,
} from '../../../demo/dist/world.js';

const CUSTOMERS = 60;
/** Nobody's budget ends the rounds that are to be measured. */
const EXACT = { epsilon: 'none', delta: null, participations: null };
/** Fast on purpose: what is measured is not the disk of the coordinator. */
const POSTGRES = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** @param rounds at least so many */
export async function openWorld(seed, rounds) {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-bench-'));
  await chmod(folder, 0o711);
  const run = join(folder, 'run');
  await mkdir(join(run, 'logs'), { recursive: true });
  const postgres = await startPostgres(join(folder, 'postgres'), POSTGRES);
  const processes = createProcesses(join(run, 'logs'), ({ name }, how) => {
    throw new Error(`${name} ${how}; its log is in ${run}/logs`);
  });
  const stop = async () => {
    await processes.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await furnishWorld({ run, processes, adminUrl: postgres.adminUrl, seed, rounds })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function furnishWorld({ run, processes, adminUrl, seed, rounds }) {
  const now = Date.now();
  const customers = telecomCustomers(CUSTOMERS, seed, now);
  const settings = {
    taskId: 'bench',
    rounds: 2 * rounds,
    customers: CUSTOMERS,
    nodes: 3,
    minTwins: 1,
    privacy: EXACT,
  };
  const task = oneTwinEach(customers.task({ ...settings, seed: `bench ${seed}` }));
  const parties = await createParties(run, 1);
  const origin = `http://127.0.0.1:${await freePort()}`;
  const world = await furnish(adminUrl, parties, task, String(seed), { origin, task });
  await bindWitnesses(world);
  await startCoordinator(world, processes);
  const [node] = parties.nodes;
  const everyone = Array.from({ length: CUSTOMERS }, (_, i) => i);
  const { importArgs } = await customers.writeFor(node.folder, everyone);
  await importCustomers([node], processes, [importArgs], 1);
  await startNodes([node], processes);
  await createCoordinatorClient(world.coordinatorUrl).publishTask(task, parties.operator);
  const issuer = await createIssuer(await readFile(join(run, 'issuer', 'key.json'), 'utf8'), parties.trust);
  const parameters = parameterCount(task.model);
  return {
    origin,
    parameters,
    /** What a framework without protection sends: the update and the sum of the evaluation. */
    clearBytes: 4 * (parameters + 2 * task.evaluation.bins + 2),
    issue: (subject, deviceKey) => credentialFor(issuer, subject, deviceKey, new Date()),
    database: (name) => createPartyDatabase(adminUrl, name),
    /** Options of a twin, without functions, so that they can be sent to a page, and what its business knows already. */
    person() {
      return {
        coordinatorUrl: world.coordinatorUrl,
        trust: parties.trust,
        controller: CONTROLLER,
        subject: randomBytes(16).toString('base64url'),
        tasks: [task.taskId],
        notice: { id: 'bench', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` },
        records: recordsOf(String(seed), now),
      };
    },
  };
}

/** Each round ends with the reports of the two twins and the region node, and every twin trains in it. */
function oneTwinEach(task) {
  return {
    ...task,
    floors: { ...task.floors, nMin: 2, nTarget: 3, minTwins: 1, maxTwins: 2 * CUSTOMERS },
    evaluation: { ...task.evaluation, holdout: 0 },
    windows: { collect: 30_000, ack: 30_000, reveal: 30_000 },
  };
}
