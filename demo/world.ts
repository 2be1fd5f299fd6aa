/** Everything that runs beside the demo itself: the parties' databases, configurations and processes. */
import { base64UrlToBytes } from '@twinkeep/audit';
import type { TaskSpec } from '@twinkeep/protocol';
import { openDatabase, openRegionStore, type RegionStore, type RegionTables } from '@twinkeep/region';
import { initWitness } from '@twinkeep/witness';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { configFile, writeConfig, type Parties, type Party } from './parties.ts';
import { createPartyDatabase } from './postgres/index.ts';
import type { Processes } from './processes.ts';
import { commandScript } from './programs.ts';

export interface World {
  parties: Parties;
  coordinatorUrl: string;
  /** By the party's name. */
  databaseUrls: Map<string, string>;
}

export const CONTROLLER = 'urn:twinkeep:demo:telecom';

/** The part of a world that is there for visitors. */
export interface ForVisitors {
  /** Web origin whose pages may call the coordinator. */
  origin: string;
  task: TaskSpec;
}

/**
 * A database, a role and a configuration for each party. Safe to repeat: data stays, passwords and addresses change.
 * @param seed decides roles and invented consents at the nodes
 * @param visitors null: nobody may visit, and the neighbours stay unfurnished
 */
export async function furnish(
  adminUrl: string,
  parties: Parties,
  task: TaskSpec,
  seed: string,
  visitors: ForVisitors | null,
): Promise<World> {
  const { coordinator, helpers, witnesses, nodes } = parties;
  const neighbours = visitors === null ? [] : parties.neighbours;
  const databaseUrls = new Map<string, string>();
  for (const { name, database } of [coordinator, ...helpers, ...witnesses, ...nodes, ...neighbours])
    databaseUrls.set(name, await createPartyDatabase(adminUrl, database));

  const port = await freePort();
  const coordinatorUrl = `http://127.0.0.1:${port}`;
  const common = ({ name }: Party): object => ({
    databaseUrl: databaseUrls.get(name),
    trustFile: '../trust.json',
    keyFile: 'key.json',
  });
  await writeConfig(coordinator, {
    ...common(coordinator),
    listen: { host: '127.0.0.1', port },
    publicUrl: coordinatorUrl,
    logKeyFile: 'log-key.json',
    vaultKeyFile: 'vault.key',
    allowedOrigins: visitors === null ? [] : [visitors.origin],
    witnesses: await writeWitnesses(parties, databaseUrls),
  });
  for (const [i, helper] of helpers.entries())
    await writeConfig(helper, { ...common(helper), coordinatorUrl, j: i + 1 });
  const writeNode = (node: Party, { taskId, floors }: TaskSpec): Promise<void> =>
    writeConfig(node, {
      ...common(node),
      coordinatorUrl,
      credentialFile: 'credential.jwt',
      wrappingKeyFile: 'wrapping.key',
      party: `urn:twinkeep:demo:${node.database}`,
      controller: CONTROLLER,
      tasks: [taskId],
      minTwins: floors.minTwins,
      // Nodes may use the same numbers for different customers.
      seed: `${seed}/${node.database}`,
    });
  for (const node of nodes) await writeNode(node, task);
  if (visitors !== null) for (const node of neighbours) await writeNode(node, visitors.task);
  return { parties, coordinatorUrl, databaseUrls };
}

/** Gives a node another task; it follows it from its next start on. */
export async function assignTask(node: Party, taskId: string): Promise<void> {
  const config = JSON.parse(await readFile(configFile(node), 'utf8')) as object;
  await writeConfig(node, { ...config, tasks: [taskId] });
}

/** @returns where the coordinator asks them */
async function writeWitnesses(
  { witnesses, trust }: Parties,
  databaseUrls: ReadonlyMap<string, string>,
): Promise<{ name: string; url: string }[]> {
  const addresses: { name: string; url: string }[] = [];
  for (const [i, witness] of witnesses.entries()) {
    const name = trust.witnesses?.witnesses[i]?.name ?? '';
    const listen = { host: '127.0.0.1', port: await freePort() };
    const databaseUrl = databaseUrls.get(witness.name);
    await writeConfig(witness, { listen, name, databaseUrl, keyFile: 'key.json', logs: [trust.log.vkey] });
    addresses.push({ name, url: `http://${listen.host}:${listen.port}` });
  }
  return addresses;
}

/** Witnesses remember from their first moment on: their keys have signed nothing yet, and never go on with another database. */
export async function bindWitnesses({ parties }: World): Promise<void> {
  for (const witness of parties.witnesses) await initWitness(configFile(witness), { unusedKey: true });
}

export async function startCoordinator({ parties }: World, processes: Processes): Promise<void> {
  await Promise.all([
    start(processes, parties.coordinator, 'twinkeep-coordinator', 'serve'),
    ...parties.witnesses.map((witness) => start(processes, witness, 'twinkeep-witness', 'serve')),
  ]);
  await Promise.all(parties.helpers.map((helper) => start(processes, helper, 'twinkeep-helper', 'run')));
}

export async function startNodes(nodes: readonly Party[], processes: Processes): Promise<void> {
  await Promise.all(nodes.map((node) => start(processes, node, 'twinkeep-region', 'run')));
}

/** As many imports at a time as there are processors for them. */
export async function importCustomers(
  nodes: readonly Party[],
  processes: Processes,
  importArgs: readonly (readonly string[])[],
  parallel: number,
): Promise<void> {
  const waiting = [...nodes.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, node] = next;
      const args = ['import', ...(importArgs[i] ?? []), '--config', configFile(node)];
      await processes.run({ name: `${node.name} import`, script: commandScript('twinkeep-region'), args });
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/** The node's own store: whoever runs everything on one machine holds its wrapping key too. */
export async function openNodeStore({ databaseUrls }: World, node: Party): Promise<RegionStore> {
  const wrappingKey = base64UrlToBytes(await readFile(join(node.folder, 'wrapping.key'), 'utf8'));
  return openRegionStore(openDatabase<RegionTables>(databaseUrls.get(node.name) ?? '', 1), wrappingKey);
}

function start(
  processes: Processes,
  party: Party,
  command: 'twinkeep-coordinator' | 'twinkeep-helper' | 'twinkeep-region' | 'twinkeep-witness',
  verb: string,
): Promise<void> {
  const args = [verb, '--config', configFile(party)];
  return processes.start({ name: party.name, script: commandScript(command), args });
}
