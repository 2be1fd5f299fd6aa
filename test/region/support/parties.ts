/** Parties of a test: keys, a trust file, and configurations in a temporary folder, as an operator would write them. */
import {
  bytesToBase64Url,
  createNoteKey,
  createSigner,
  noteKeyToVkey,
  type Ed25519Signer,
} from '@twinkeep/audit';
import {
  createSigningKey,
  exportSigningKey,
  issueCredential,
  randomBytes,
  sodiumReady,
  type LoggedStatement,
  type SigningKey,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import type { LogSource } from '@twinkeep/region';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '../../support/postgres.ts';

export const COORDINATOR_ID = 'https://coordinator.test';
export const LOG_ORIGIN = 'log.test/twinkeep';
const ISSUER_ID = 'https://issuer.test';

export interface Parties {
  trust: Trust;
  coordinator: SigningKey;
  logSigner: Ed25519Signer;
  helpers: SigningKey[];
  issuer: SigningKey;
  /** What the coordinator serves to whoever asks: its log, and its tasks by id. A script fills it. */
  served: { source: LogSource; tasks: Map<string, LoggedStatement<TaskSpec>> };
  /** A credential for this device key. */
  admit(
    device: SigningKey,
    claims?: { sub?: string; maxTwins?: number; scope?: 'device' | 'operator'; lifetime?: number },
  ): Promise<string>;
}

const NO_LOG: LogSource = {
  entries: () => Promise.reject(new Error('no log is served')),
  consistency: () => Promise.reject(new Error('no log is served')),
};

export async function createParties(helperCount: number = 4): Promise<Parties> {
  await sodiumReady;
  const coordinator = await createSigningKey(true);
  const issuer = await createSigningKey(true);
  const helpers = await Promise.all(Array.from({ length: helperCount }, () => createSigningKey(true)));
  const logSigner = createSigner(randomBytes(32));
  const trust: Trust = {
    v: 1,
    coordinator: { id: COORDINATOR_ID, operator: 'Example Bank', key: coordinator.id },
    log: { vkey: noteKeyToVkey(createNoteKey(LOG_ORIGIN, logSigner.publicKey)) },
    witnesses: null,
    helpers: helpers.map(({ id }, i) => ({ j: i + 1, operator: `operator ${i + 1}`, key: id })),
    issuer: { id: ISSUER_ID, keys: [issuer.id] },
  };
  return {
    trust,
    coordinator,
    logSigner,
    helpers,
    issuer,
    served: { source: NO_LOG, tasks: new Map() },
    admit: (device, { sub, maxTwins = 1_000, scope = 'device', lifetime = 86_400 } = {}) =>
      issueCredential(
        { sub: sub ?? bytesToBase64Url(randomBytes(16)), devicePublicKey: device.publicKey, maxTwins, scope },
        { id: ISSUER_ID, key: issuer },
        COORDINATOR_ID,
        new Date(),
        lifetime,
      ),
  };
}

export interface RegionFiles {
  folder: string;
  config: string;
  databaseUrl: string;
  device: SigningKey;
}

/** A region node's folder on a database of its own. @param settings go into its configuration over the usual ones */
export async function createRegionFiles(
  parties: Parties,
  settings: Record<string, unknown> = {},
): Promise<RegionFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-region-'));
  const device = await createSigningKey(true);
  const databaseUrl = await createTestDatabase();
  await writeFile(join(folder, 'key.json'), JSON.stringify(await exportSigningKey(device)));
  await writeFile(join(folder, 'wrapping.key'), `${bytesToBase64Url(randomBytes(32))}\n`);
  await writeFile(join(folder, 'credential.jwt'), await parties.admit(device));
  await writeFile(join(folder, 'trust.json'), JSON.stringify(parties.trust));
  const config = join(folder, 'config.json');
  await writeFile(
    config,
    JSON.stringify({
      coordinatorUrl: 'http://127.0.0.1:9',
      databaseUrl,
      trustFile: 'trust.json',
      keyFile: 'key.json',
      credentialFile: 'credential.jwt',
      wrappingKeyFile: 'wrapping.key',
      party: 'https://branch.test/',
      controller: 'https://bank.test/',
      ...settings,
    }),
  );
  return { folder, config, databaseUrl, device };
}
