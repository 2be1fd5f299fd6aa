/**
 * Who takes part, with which keys. One folder per party, closed to other accounts; what one party must know of another stands in
 * `trust.json`, public keys only. In earnest each party makes its own key on its own machine; here one operator makes them all.
 *
 *   trust.json                 what everyone pins
 *   coordinator/               config.json, key.json, log-key.json, vault.key
 *   helper-1/ ...              config.json, key.json
 *   witness-1/ ...             config.json, key.json
 *   node-01/ ...               config.json, key.json, credential.jwt, wrapping.key
 *   neighbour-1/ ...           the same
 *   operator/, officer/        key.json, credential.jwt
 *   issuer/                    key.json
 */
import { bytesToBase64Url, createNoteKey, noteKeyToVkey } from '@twinkeep/audit';
import {
  createSigningKey,
  exportSigningKey,
  importSigningKey,
  issueCredential,
  parseTrust,
  type Credential,
  type SigningKey,
  type Trust,
} from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Everything runs on one machine, and the statements of protection say what that means. */
const OPERATOR = 'The operator of this demo';

export const HELPERS = 4;
/** Of the log. Any two groups of as many as are needed share one. */
export const WITNESSES = 3;
const WITNESSES_NEEDED = 2;
/** Small region nodes that keep visitors company in their rounds; they have no part in the final table. */
export const NEIGHBOURS = 4;
const COORDINATOR_ID = 'twinkeep-demo-coordinator';
const ISSUER_ID = 'twinkeep-demo-issuer';
const LOG_ORIGIN = 'twinkeep-demo.invalid/log';
const WITNESS_NAME = 'twinkeep-demo.invalid/witness';
const CREDENTIAL_SECONDS = 30 * 86_400;
/** A credential's limit on the twins of one report; a node of the demo keeps far fewer. */
const MAX_TWINS_PER_NODE = 1_000_000;

/** A folder that holds config.json once `writeConfig` has run. */
export interface Party {
  name: string;
  folder: string;
  /** Name of its database and role. */
  database: string;
}

export interface Parties {
  coordinator: Party;
  helpers: Party[];
  /** May be none. */
  witnesses: Party[];
  nodes: Party[];
  neighbours: Party[];
  operator: { key: SigningKey; credential: string };
  trust: Trust;
}

/** Makes keys, credentials and trust.json in an empty `folder`. Without witnesses the log is watched by whoever reads it. */
export async function createParties(folder: string, nodes: number, witnesses: number = 0): Promise<Parties> {
  const parties = partiesOf(folder, nodes, witnesses);
  const regionNodes = [...parties.nodes, ...parties.neighbours];
  for (const { folder: own } of [
    parties.coordinator,
    ...parties.helpers,
    ...parties.witnesses,
    ...regionNodes,
  ])
    await makeFolder(own);
  const coordinator = await createKey(parties.coordinator.folder, 'key.json');
  const log = await createKey(parties.coordinator.folder, 'log-key.json');
  await writeSecret(join(parties.coordinator.folder, 'vault.key'), bytesToBase64Url(randomBytes(32)));
  const helpers = await Promise.all(parties.helpers.map((party) => createKey(party.folder, 'key.json')));
  await makeFolder(join(folder, 'issuer'));
  const issuer = await createKey(join(folder, 'issuer'), 'key.json');

  const admit = async (own: string, scope: Credential['scope']): Promise<void> => {
    const { publicKey } = await createKey(own, 'key.json');
    const claims = {
      sub: bytesToBase64Url(randomBytes(16)),
      devicePublicKey: publicKey,
      maxTwins: scope === 'device' ? MAX_TWINS_PER_NODE : 1,
      scope,
    };
    const by = { id: ISSUER_ID, key: issuer };
    const credential = await issueCredential(claims, by, COORDINATOR_ID, new Date(), CREDENTIAL_SECONDS);
    await writeSecret(join(own, 'credential.jwt'), credential);
  };
  for (const node of regionNodes) {
    await admit(node.folder, 'device');
    await writeSecret(join(node.folder, 'wrapping.key'), bytesToBase64Url(randomBytes(32)));
  }
  await makeFolder(join(folder, 'operator'));
  await admit(join(folder, 'operator'), 'operator');
  await makeFolder(join(folder, 'officer'));
  await admit(join(folder, 'officer'), 'officer');

  const trust: Trust = {
    v: 1,
    coordinator: { id: COORDINATOR_ID, operator: OPERATOR, key: coordinator.id },
    log: { vkey: noteKeyToVkey(createNoteKey(LOG_ORIGIN, log.publicKey)) },
    witnesses: await createWitnessKeys(parties.witnesses),
    helpers: helpers.map(({ id }, i) => ({ j: i + 1, operator: OPERATOR, key: id })),
    issuer: { id: ISSUER_ID, keys: [issuer.id] },
  };
  await writeJson(trustFile(folder), trust);
  return openParties(folder, nodes);
}

/** The parties that `createParties` made there. */
export async function openParties(folder: string, nodes: number): Promise<Parties> {
  const operator = join(folder, 'operator');
  const key = await importSigningKey(
    JSON.parse(await readFile(join(operator, 'key.json'), 'utf8')) as Parameters<typeof importSigningKey>[0],
  );
  const credential = await readFile(join(operator, 'credential.jwt'), 'utf8');
  const trust = parseTrust(JSON.parse(await readFile(trustFile(folder), 'utf8')));
  const witnesses = trust.witnesses?.witnesses.length ?? 0;
  return { ...partiesOf(folder, nodes, witnesses), operator: { key, credential }, trust };
}

const trustFile = (folder: string): string => join(folder, 'trust.json');

export const configFile = ({ folder }: Party): string => join(folder, 'config.json');

/** Relative paths in it are relative to the file. */
export async function writeConfig(party: Party, config: object): Promise<void> {
  await writeJson(configFile(party), config);
}

/** They are run by whoever runs this: that is said wherever protection is spoken of. */
async function createWitnessKeys(witnesses: readonly Party[]): Promise<Trust['witnesses']> {
  if (witnesses.length === 0) return null;
  const keys = await Promise.all(witnesses.map(({ folder }) => createKey(folder, 'key.json')));
  return {
    threshold: WITNESSES_NEEDED,
    witnesses: keys.map(({ publicKey }, i) => {
      const name = `${WITNESS_NAME}-${i + 1}`;
      return { name, operator: OPERATOR, vkey: noteKeyToVkey(createNoteKey(name, publicKey, 'cosignature')) };
    }),
  };
}

function partiesOf(folder: string, nodes: number, witnesses: number): Omit<Parties, 'operator' | 'trust'> {
  const party = (name: string): Party => ({
    name: name.replace('-', ' '),
    folder: join(folder, name),
    database: name.replace('-', '_'),
  });
  const digits = String(nodes).length;
  return {
    coordinator: party('coordinator'),
    helpers: Array.from({ length: HELPERS }, (_, i) => party(`helper-${i + 1}`)),
    witnesses: Array.from({ length: witnesses }, (_, i) => party(`witness-${i + 1}`)),
    nodes: Array.from({ length: nodes }, (_, i) => party(`node-${String(i + 1).padStart(digits, '0')}`)),
    neighbours: Array.from({ length: NEIGHBOURS }, (_, i) => party(`neighbour-${i + 1}`)),
  };
}

async function createKey(folder: string, file: string): Promise<SigningKey> {
  const key = await createSigningKey(true);
  await writeJson(join(folder, file), await exportSigningKey(key));
  return key;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeSecret(path, `${JSON.stringify(value, null, 2)}\n`);
}

async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
}
