/** One add-checkpoint request to one witness (C2SP tlog-witness). The witness is a stranger: what counts is its signature, which is verified. */
import {
  addCheckpointToText,
  AuditError,
  readCosignature,
  type AddCheckpoint,
  type NoteKey,
} from '@twinkeep/audit';
import { verifyDetached } from '@twinkeep/protocol';

export type WitnessProblem =
  /** No connection, no answer in time, or an error of its own. */
  | 'unreachable'
  /** It does not know this log or its key, or takes the request for malformed. */
  | 'refused'
  /** It has cosigned another history of this log. */
  | 'fork'
  /** It has cosigned a longer log than there is here: the database was put back, or a second copy of the log is being written. */
  | 'ahead'
  /** Its answer is not its cosignature. */
  | 'unverified';

export type WitnessReply =
  | { kind: 'cosigned'; line: string }
  /** It starts from another size than was asked. */
  | { kind: 'other-size'; size: number }
  | { kind: 'problem'; problem: WitnessProblem };

export interface WitnessAddress {
  name: string;
  /** Submission prefix, without a slash at the end. */
  url: string;
}

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MILLIS = 5_000;
const MAX_ANSWER_LENGTH = 16_384;

export async function askWitness(
  { url, key }: { url: string; key: NoteKey },
  request: AddCheckpoint,
  stop: AbortSignal,
): Promise<WitnessReply> {
  const answer = await send(url, addCheckpointToText(request), stop);
  if (answer === null || answer.status >= 500) return problem('unreachable');
  const { status, type, body } = answer;
  if (status === 200) {
    const line = verified(request.checkpoint, body, key);
    return line === null ? problem('unverified') : { kind: 'cosigned', line };
  }
  if (status === 409 && type.startsWith('text/x.tlog.size') && /^\d{1,16}\n$/.test(body))
    return { kind: 'other-size', size: Number(body) };
  return problem(status === 409 || status === 422 ? 'fork' : 'refused');
}

async function send(
  url: string,
  body: string,
  stop: AbortSignal,
): Promise<{ status: number; type: string; body: string } | null> {
  try {
    const response = await fetch(`${url}/add-checkpoint`, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MILLIS)]),
    });
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, body: await readText(response) };
  } catch {
    // Whatever a network does: it is asked again.
    return null;
  }
}

/** No more than a witness has reason to say. */
async function readText(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_ANSWER_LENGTH) return '';
  }
  return text + decoder.decode();
}

function verified(note: string, answer: string, key: NoteKey): string | null {
  try {
    return readCosignature(note, answer, key, verifyDetached);
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

function problem(problem: WitnessProblem): WitnessReply {
  return { kind: 'problem', problem };
}
