/** What a mask helper asks of the coordinator and tells it: an outbound client that proves its pinned key with every request. */
import { bytesToBase64Url, utf8ToBytes } from '@twinkeep/audit';
import {
  helperWorkSchema,
  MAX_WAIT_SECONDS,
  MEDIA,
  PATHS,
  statementHash,
  type HelperAck,
  type HelperClose,
  type HelperEpoch,
  type HelperReady,
  type HelperWork,
  type RoundConfig,
  type Statement,
} from '@twinkeep/protocol';
import { parseJson } from './answer.ts';
import { pollUntil, type Watch } from './poll.ts';
import type { Transport } from './transport.ts';

/** As many verdicts as one poll may ask for, with headers and boxes of the longest kind. */
const MAX_WORK_BYTES = 32 * 1_048_576;

/** One long poll for work newer than revision `after`; null where nothing changed while it was parked. */
export async function pollWork(
  transport: Transport,
  j: number,
  after: number,
  signal?: AbortSignal,
): Promise<HelperWork | null> {
  const answer = await transport.request({
    method: 'GET',
    path: PATHS.helperWork(j),
    query: { after, wait: MAX_WAIT_SECONDS },
    auth: 'helper',
    wanted: MEDIA.json,
    maxBytes: MAX_WORK_BYTES,
    park: MAX_WAIT_SECONDS * 1000,
    signal,
  });
  return answer.status === 204 ? null : parseJson(answer, helperWorkSchema);
}

/** The duties of helper j, each time they change. @throws ProblemError or TransportError where trying again cannot help */
export function watchWork(transport: Transport, j: number, watch: Watch): AsyncGenerator<HelperWork, void> {
  return pollUntil((after, signal) => pollWork(transport, j, after, signal), transport, watch);
}

export function submitEpoch(
  transport: Transport,
  epoch: Statement<HelperEpoch>,
  signal?: AbortSignal,
): Promise<void> {
  return put(transport, PATHS.helperEpoch(epoch.body.j), toJson(epoch), signal);
}

/** @param config with this helper's signature alone */
export function submitCosignature(
  transport: Transport,
  j: number,
  config: Statement<RoundConfig>,
  signal?: AbortSignal,
): Promise<void> {
  const rcHash = bytesToBase64Url(statementHash(config));
  return put(transport, PATHS.helperCosignature(j, rcHash), toJson(config), signal);
}

export function submitAck(
  transport: Transport,
  ack: Statement<HelperAck>,
  signal?: AbortSignal,
): Promise<void> {
  return put(transport, PATHS.helperAck(ack.body.j, ack.body.rcHash), toJson(ack), signal);
}

export function submitReady(
  transport: Transport,
  ready: Statement<HelperReady>,
  signal?: AbortSignal,
): Promise<void> {
  return put(transport, PATHS.helperReady(ready.body.j, ready.body.rcHash), toJson(ready), signal);
}

export function submitClose(
  transport: Transport,
  close: Statement<HelperClose>,
  signal?: AbortSignal,
): Promise<void> {
  return put(transport, PATHS.helperClose(close.body.j, close.body.rcHash), toJson(close), signal);
}

/** @param sums bytes of `encodeSums` */
export function submitSums(
  transport: Transport,
  to: { j: number; rcHash: string },
  sums: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  return put(transport, PATHS.helperSums(to.j, to.rcHash), { mediaType: MEDIA.sums, bytes: sums }, signal);
}

async function put(
  transport: Transport,
  path: string,
  body: { mediaType: string; bytes: Uint8Array },
  signal: AbortSignal | undefined,
): Promise<void> {
  await transport.request({ method: 'PUT', path, body, auth: 'helper', wanted: null, signal });
}

function toJson(value: unknown): { mediaType: string; bytes: Uint8Array } {
  return { mediaType: MEDIA.json, bytes: utf8ToBytes(JSON.stringify(value)) };
}
