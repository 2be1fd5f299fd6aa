/** Logs that lie, and witnesses that do not. */
import {
  addCheckpointToText,
  bytesToBase64Url,
  createCompactRange,
  createNoteKey,
  createSigner,
  hashLeaf,
  hexToBytes,
  noteKeyToVkey,
  proveConsistency,
  signCheckpoint,
  utf8ToBytes,
  type Ed25519Signer,
} from '@twinkeep/audit';
import { initWitness, type WitnessConfig } from '@twinkeep/witness';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { treeReader } from '../audit/tree.ts';
import { createTestDatabase } from '../support/postgres.ts';

export const ORIGIN = 'twin.example/audit';

/** A history as one key signs it. */
export interface TestLog {
  vkey: string;
  root(size: number): Uint8Array;
  note(size: number): Promise<string>;
  /** An add-checkpoint request from one size to another, with an honest proof. */
  request(from: number, to: number): Promise<string>;
}

/** Two logs of one signer and different names are one log that forked after `shared` leaves. */
export function createTestLog(
  signer: Ed25519Signer,
  {
    name = 'leaf',
    shared = 0,
    length = 40,
    origin = ORIGIN,
  }: { name?: string; shared?: number; length?: number; origin?: string } = {},
): TestLog {
  const leaves = Array.from({ length }, (_, i) => utf8ToBytes(i < shared ? `leaf ${i}` : `${name} ${i}`));
  const roots: Uint8Array[] = [];
  const range = createCompactRange();
  roots.push(range.root());
  for (const leaf of leaves) {
    range.append(hashLeaf(leaf));
    roots.push(range.root());
  }
  const root = (size: number): Uint8Array => roots[size]!;
  const note = (size: number): Promise<string> => signCheckpoint({ origin, size, root: root(size) }, signer);
  return {
    vkey: noteKeyToVkey(createNoteKey(origin, signer.publicKey)),
    root,
    note,
    request: async (from, to) => {
      const proof = from === 0 || from >= to ? [] : await proveConsistency(from, to, treeReader(leaves));
      return addCheckpointToText({ oldSize: from, proof, checkpoint: await note(to) });
    },
  };
}

export interface WitnessFiles {
  folder: string;
  configFile: string;
  config: WitnessConfig;
  vkey: string;
}

/** A witness that was made and never ran. */
export async function makeWitness(
  logs: readonly string[],
  { name = 'witness.example/w1', seedHex }: { name?: string; seedHex?: string } = {},
): Promise<WitnessFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeep-witness-'));
  const configFile = join(folder, 'config.json');
  const config: WitnessConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    name,
    databaseUrl: await createTestDatabase(),
    keyFile: 'key.json',
    logs: [...logs],
    logLevel: 'info',
  };
  await writeFile(configFile, JSON.stringify(config));
  if (seedHex !== undefined) await writeKey(join(folder, 'key.json'), seedHex);
  const { vkey } = await initWitness(configFile, { unusedKey: seedHex !== undefined });
  return { folder, configFile, config: { ...config, keyFile: join(folder, 'key.json') }, vkey };
}

async function writeKey(file: string, seedHex: string): Promise<void> {
  const seed = hexToBytes(seedHex);
  const x = bytesToBase64Url(createSigner(seed).publicKey);
  await writeFile(file, JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x, d: bytesToBase64Url(seed) }));
}

export interface WitnessAnswer {
  status: number;
  type: string | null;
  body: string;
}

export async function addCheckpoint(port: number, body: string | Uint8Array): Promise<WitnessAnswer> {
  const response = await fetch(`http://127.0.0.1:${port}/add-checkpoint`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: await response.text(),
  };
}
