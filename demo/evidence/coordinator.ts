/** The demo's coordinator: the one that runs, or started again on what it left behind. */
import { PATHS } from '@twinkeep/protocol';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { configFile, openParties, writeConfig, type Party } from '../parties.ts';
import { createPartyDatabase } from '../postgres/index.ts';
import type { Processes } from '../processes.ts';
import { commandScript } from '../programs.ts';

export interface Address {
  url: string;
  databaseUrl: string;
}

interface Config {
  listen: { host: string; port: number };
  databaseUrl: string;
  publicUrl?: string;
  witnesses?: { name: string; url: string }[];
}

/** Null where none answers. */
export async function answers(run: string): Promise<Address | null> {
  try {
    const config = JSON.parse(await readFile(join(run, 'coordinator', 'config.json'), 'utf8')) as Config;
    const url = `http://${config.listen.host}:${config.listen.port}`;
    const response = await fetch(url + PATHS.health, { signal: AbortSignal.timeout(2_000) });
    return response.ok || response.status === 503 ? { url, databaseUrl: config.databaseUrl } : null;
  } catch {
    return null;
  }
}

/** With its witnesses, so that what is logged from now on is cosigned too; without helpers and nodes, so that no round goes on. */
export async function startAgain(run: string, adminUrl: string, processes: Processes): Promise<Address> {
  const { coordinator, witnesses, trust } = await openParties(run, 0);
  const addresses: { name: string; url: string }[] = [];
  for (const [i, witness] of witnesses.entries()) {
    const { listen } = await readdress(witness, adminUrl, {});
    addresses.push({
      name: trust.witnesses?.witnesses[i]?.name ?? '',
      url: `http://${listen.host}:${listen.port}`,
    });
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { databaseUrl } = await readdress(coordinator, adminUrl, {
    listen: { host: '127.0.0.1', port },
    publicUrl: url,
    witnesses: addresses,
  });
  await Promise.all([
    start(processes, coordinator, 'twinkeep-coordinator'),
    ...witnesses.map((witness) => start(processes, witness, 'twinkeep-witness')),
  ]);
  return { url, databaseUrl };
}

/** Passwords and ports are new with each start; what a party knows and signs with stays. */
async function readdress(party: Party, adminUrl: string, changes: Partial<Config>): Promise<Config> {
  const before = JSON.parse(await readFile(configFile(party), 'utf8')) as Config;
  const config: Config = {
    ...before,
    listen: { host: before.listen.host, port: await freePort() },
    databaseUrl: await createPartyDatabase(adminUrl, party.database),
    ...changes,
  };
  await writeConfig(party, config);
  return config;
}

function start(
  processes: Processes,
  party: Party,
  command: 'twinkeep-coordinator' | 'twinkeep-witness',
): Promise<void> {
  const args = ['serve', '--config', configFile(party)];
  return processes.start({ name: party.name, script: commandScript(command), args });
}
