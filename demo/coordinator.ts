/** The demo as a client of its coordinator: publishes the task, follows the rounds, fetches model and log. Over HTTP, as anybody would. */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import {
  createProof,
  PATHS,
  roundOfferSchema,
  roundResultsSchema,
  type RoundOffer,
  type RoundResult,
  type SigningKey,
  type TaskSpec,
} from '@twinkeep/protocol';
import * as v from 'valibot';
import { DemoError } from './errors.ts';

export interface Operator {
  key: SigningKey;
  credential: string;
}

export interface CoordinatorClient {
  /** @throws DemoError 'demo/run' with what the coordinator says */
  publishTask(task: TaskSpec, operator: Operator): Promise<void>;
  /** Waits until the round resource is newer than `after`, at most `wait` seconds. */
  round(taskId: string, after: number, wait: number): Promise<RoundOffer>;
  /** Results of the rounds after `after`, oldest first. */
  results(taskId: string, after: number): Promise<RoundResult[]>;
  /** The bytes behind a hash. @throws DemoError where they have another */
  model(hash: string): Promise<Uint8Array>;
  /** The log as it is exported to the public. */
  exportLog(): Promise<Uint8Array>;
}

export function createCoordinatorClient(baseUrl: string): CoordinatorClient {
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(baseUrl + path);
    if (!response.ok) throw await refusal(`GET ${path}`, response);
    return response;
  };
  return {
    publishTask: (task, operator) => publish(baseUrl, task, operator),
    async round(taskId, after, wait) {
      const response = await get(`${PATHS.round(taskId)}?after=${after}&wait=${wait}`);
      return v.parse(roundOfferSchema, await response.json());
    },
    async results(taskId, after) {
      const response = await get(`${PATHS.results(taskId)}?after=${after}`);
      return v
        .parse(roundResultsSchema, await response.json())
        .results.map(({ statement }) => statement.body);
    },
    async model(hash) {
      const bytes = new Uint8Array(await (await get(PATHS.model(hash))).arrayBuffer());
      if (bytesToBase64Url(sha256(bytes)) !== hash)
        throw new DemoError('demo/run', `The coordinator sent other bytes than those of model ${hash}.`);
      return bytes;
    },
    async exportLog() {
      return new Uint8Array(await (await get(PATHS.logExport)).arrayBuffer());
    },
  };
}

/** The first answer asks for the server's nonce (RFC 9449 section 8); the second request carries it. */
async function publish(baseUrl: string, task: TaskSpec, { key, credential }: Operator): Promise<void> {
  const url = baseUrl + PATHS.tasks;
  const send = async (nonce: string | null): Promise<Response> => {
    const proof = await createProof(
      key,
      { method: 'POST', url, credential, ...(nonce === null ? {} : { nonce }) },
      new Date(),
    );
    return fetch(url, {
      method: 'POST',
      headers: { authorization: `DPoP ${credential}`, dpop: proof, 'content-type': 'application/json' },
      body: JSON.stringify(task),
    });
  };
  const first = await send(null);
  const nonce = first.headers.get('dpop-nonce');
  const response = first.status === 401 && nonce !== null ? await send(nonce) : first;
  if (!response.ok) throw await refusal('POST /v1/tasks', response);
}

async function refusal(request: string, response: Response): Promise<DemoError> {
  return new DemoError(
    'demo/run',
    `The coordinator answered ${request} with ${response.status}: ${await response.text()}`,
  );
}
