/** The demo as a client of its coordinator: publishes the task as its operator, reads the rest as anybody may. */
import { utf8ToBytes } from '@twinkeep/audit';
import {
  createTransport,
  fetchModel,
  fetchResults,
  pollRound,
  type Transport,
} from '@twinkeep/edge-client/fleet';
import {
  bytesToWeights,
  MEDIA,
  parameterCount,
  PATHS,
  sodiumReady,
  type RoundOffer,
  type RoundResult,
  type SigningKey,
  type TaskSpec,
} from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { DemoError } from './errors.ts';

export interface Operator {
  key: SigningKey;
  credential: string;
}

export interface CoordinatorClient {
  /** @throws ProblemError with what the coordinator says */
  publishTask(task: TaskSpec, operator: Operator): Promise<void>;
  /** Parks until the round resource is newer than `after`; null where nothing changed meanwhile. */
  round(taskId: string, after: number): Promise<RoundOffer | null>;
  /** Results of the rounds after `after`, oldest first. */
  results(taskId: string, after: number): Promise<RoundResult[]>;
  weights(task: TaskSpec, modelHash: string): Promise<Float32Array>;
  /** The log as it is exported to the public. */
  exportLog(): Promise<Uint8Array>;
}

export function createCoordinatorClient(baseUrl: string): CoordinatorClient {
  const transport = createTransport({ ...NODE, baseUrl });
  return {
    async publishTask(task, { key, credential }) {
      await sodiumReady;
      await publish(createTransport({ ...NODE, baseUrl, key, credential: () => credential }), task);
    },
    round: (taskId, after) => pollRound(transport, taskId, after),
    async results(taskId, after) {
      return (await fetchResults(transport, taskId, after)).map(({ result }) => result.statement.body);
    },
    async weights({ model }, hash) {
      return bytesToWeights(await fetchModel(transport, hash, 4 * parameterCount(model)), model);
    },
    exportLog: () => download(baseUrl + PATHS.logExport),
  };
}

/** A coordinator that ended is started again: that is waited for, half a minute on average. */
const PATIENT = { attempts: 60, base: 500, longest: 1_000 };
const NODE = { fetch: globalThis.fetch, clock: Date.now, random: randomBytes, retry: PATIENT };

async function publish(transport: Transport, task: TaskSpec): Promise<void> {
  await transport.request({
    method: 'POST',
    path: PATHS.tasks,
    auth: 'device',
    body: { mediaType: MEDIA.json, bytes: utf8ToBytes(JSON.stringify(task)) },
    wanted: MEDIA.json,
  });
}

/** Of any length. */
async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new DemoError('demo/run', `GET ${url} was answered with ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
