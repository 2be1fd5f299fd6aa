/** What a device asks of the coordinator. Reads need neither key nor credential. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  sha256,
  utf8ToBytes,
  vkeyToNoteKey,
  type ConsistencyProof,
} from '@twinkeep/audit';
import {
  consentReceiptsSchema,
  consistencySchema,
  createRepeatedVerify,
  logEntriesSchema,
  MAX_LOG_ENTRIES,
  MAX_WAIT_SECONDS,
  MEDIA,
  PATHS,
  ProtocolError,
  reportReceiptSchema,
  roundOfferSchema,
  roundResultsSchema,
  taskAnswerSchema,
  verifyConsentReceipt,
  type ConsentReceipts,
  type LoggedStatement,
  type MaskedReport,
  type ReportReceipt,
  type LogEntry,
  type RoundEnd,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import { parseJson } from './answer.ts';
import { TransportError } from './errors.ts';
import { pollUntil, type Watch } from './poll.ts';
import type { RequestSpec, Transport } from './transport.ts';

/** One long poll for a state newer than revision `after`; null where nothing changed while it was parked. */
export async function pollRound(
  transport: Transport,
  taskId: string,
  after: number,
  signal?: AbortSignal,
): Promise<RoundOffer | null> {
  const answer = await transport.request({
    ...READ_JSON,
    path: PATHS.round(taskId),
    query: { after, wait: MAX_WAIT_SECONDS },
    park: MAX_WAIT_SECONDS * 1000,
    signal,
  });
  return answer.status === 204 ? null : parseJson(answer, roundOfferSchema);
}

/**
 * Every state of a task's round, as far as this client is awake to see it, until the signal ends it. Waits out what passes.
 * @throws ProblemError or TransportError where trying again cannot help
 */
export function watchRound(
  transport: Transport,
  taskId: string,
  watch: Watch,
): AsyncGenerator<RoundOffer, void> {
  return pollUntil((after, signal) => pollRound(transport, taskId, after, signal), transport, watch);
}

export async function fetchTask(
  transport: Transport,
  taskId: string,
  signal?: AbortSignal,
): Promise<LoggedStatement<TaskSpec>> {
  return parseJson(
    await transport.request({ ...READ_JSON, path: PATHS.task(taskId), signal }),
    taskAnswerSchema,
  );
}

/** How rounds after `after` ended, oldest first. */
export async function fetchResults(
  transport: Transport,
  taskId: string,
  after: number,
  signal?: AbortSignal,
): Promise<RoundEnd[]> {
  const spec = { ...READ_JSON, path: PATHS.results(taskId), query: { after }, signal };
  return parseJson(await transport.request(spec), roundResultsSchema).results;
}

export async function fetchConsistency(
  transport: Transport,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<ConsistencyProof> {
  const spec = { ...READ_JSON, path: PATHS.consistency, query: { from, to }, signal };
  const { proof } = parseJson(await transport.request(spec), consistencySchema);
  return { size1: from, size2: to, proof: proof.map(base64UrlToBytes) };
}

/**
 * Leaves of the log from `from` on, before `to`; fewer where there are more than fit one answer.
 * @throws TransportError 'transport/malformed' where they begin elsewhere or are none
 */
export async function fetchLogEntries(
  transport: Transport,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<LogEntry[]> {
  const spec = {
    ...READ_JSON,
    path: PATHS.logEntries,
    query: { from, to },
    maxBytes: MAX_ENTRIES_BYTES,
    signal,
  };
  const answer = parseJson(await transport.request(spec), logEntriesSchema);
  if (answer.from !== from || answer.entries.length === 0)
    throw new TransportError(
      'transport/malformed',
      'the entries of the log are not those that were asked for',
    );
  return answer.entries.slice(0, to - from);
}

/** A model's bytes, at most `length` of them, checked against its name. @throws TransportError 'transport/malformed' where they are another model's */
export async function fetchModel(
  transport: Transport,
  hash: string,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { bytes } = await transport.request({
    method: 'GET',
    path: PATHS.model(hash),
    auth: 'none',
    wanted: MEDIA.model,
    maxBytes: length,
    cacheable: true,
    signal,
  });
  if (bytesToBase64Url(sha256(bytes)) !== hash)
    throw new TransportError('transport/malformed', 'the model is not the one that was asked for');
  return bytes;
}

/**
 * Hands consents in. The receipts are verified before anybody sees them: what has one is in the log, whatever the coordinator says later.
 * @param events compact JWS, oldest first per subject; @param vkey the pinned key of the log
 * @throws TransportError 'transport/malformed' where the answer does not show every event to be in the log
 */
export async function submitConsents(
  transport: Transport,
  events: readonly string[],
  vkey: string,
  signal?: AbortSignal,
): Promise<ConsentReceipts> {
  const answer = await transport.request({
    method: 'POST',
    path: PATHS.consents,
    body: { mediaType: MEDIA.json, bytes: utf8ToBytes(JSON.stringify({ events })) },
    auth: 'device',
    wanted: MEDIA.json,
    signal,
  });
  const { receipts } = parseJson(answer, consentReceiptsSchema);
  if (receipts.length !== events.length)
    throw new TransportError('transport/malformed', 'not every event has a receipt');
  try {
    const verify = createRepeatedVerify();
    const key = vkeyToNoteKey(vkey);
    receipts.forEach((receipt, i) => verifyConsentReceipt(receipt, events[i] as string, key, verify));
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new TransportError('transport/malformed', cause.message, { cause });
  }
  return { receipts };
}

/** The only way by which training results leave: a masked report, which is the same bytes at every retry. */
export async function submitReport(
  transport: Transport,
  report: MaskedReport,
  to: { rcHash: string; kid: string },
  signal?: AbortSignal,
): Promise<ReportReceipt> {
  const answer = await transport.request({
    method: 'PUT',
    path: PATHS.report(to.rcHash, to.kid),
    body: { mediaType: MEDIA.report, bytes: report.bytes },
    auth: 'device',
    wanted: MEDIA.json,
    signal,
  });
  const receipt = parseJson(answer, reportReceiptSchema);
  if (receipt.rcHash !== to.rcHash || receipt.headerHash !== bytesToBase64Url(report.headerHash))
    throw new TransportError('transport/malformed', 'the receipt is for another report');
  return receipt;
}

/** A leaf is short; what opens a set commit is longer, and most leaves have none. */
const MAX_ENTRIES_BYTES = MAX_LOG_ENTRIES * 8_192;

const READ_JSON = { method: 'GET', auth: 'none', wanted: MEDIA.json } as const satisfies Partial<RequestSpec>;
