/**
 * One HTTP answer, read with limits and told apart: an answer of the coordinator, a problem document, or something that a network on
 * the way put in its place. The sender controls every byte of it.
 */
import { bytesToUtf8, concatBytes } from '@twinkeep/audit';
import { firstIssue, MEDIA, ProblemError, PROBLEMS, type ProblemCode } from '@twinkeep/protocol';
import * as v from 'valibot';
import { TransportError } from './errors.ts';

export interface Answer {
  status: number;
  /** Without parameters, lower case; empty where the answer names none. */
  mediaType: string;
  bytes: Uint8Array;
}

const MAX_PROBLEM_BYTES = 65_536;

const problemSchema = v.object({
  code: v.picklist(Object.keys(PROBLEMS) as ProblemCode[]),
  detail: v.optional(v.pipe(v.string(), v.maxLength(4_096))),
});

/**
 * @param maxBytes of a successful answer; @param wanted media type of one with a body
 * @throws ProblemError where the coordinator refused; TransportError otherwise
 */
export async function readAnswer(
  response: Response,
  wanted: string | null,
  maxBytes: number,
): Promise<Answer> {
  const { status } = response;
  const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === MEDIA.problem && status >= 400) throw await readProblem(response);
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400))
    throw elsewhere('it redirects, which a coordinator never does');
  if (status === 511) throw elsewhere('the network asks for a sign-in');
  if (status >= 500)
    throw new TransportError('transport/unavailable', `a server on the way answered ${status}`);
  if (status >= 400) throw elsewhere(`it answers ${status} without saying why`);
  if (status !== 204 && mediaType !== (wanted ?? '')) {
    const said = mediaType === '' ? 'something without a type' : mediaType;
    throw elsewhere(`it answers ${said} where ${wanted ?? 'nothing'} was expected`);
  }
  return { status, mediaType, bytes: await readBody(response, maxBytes) };
}

/** @throws TransportError 'transport/malformed' */
export function parseJson<T>({ bytes }: Answer, schema: v.GenericSchema<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(bytesToUtf8(bytes));
  } catch (cause) {
    throw new TransportError('transport/malformed', 'the answer is not JSON', { cause });
  }
  const parsed = v.safeParse(schema, json);
  if (!parsed.success)
    throw new TransportError(
      'transport/malformed',
      `the answer is not as documented: ${firstIssue(parsed.issues)}`,
    );
  return parsed.output;
}

async function readProblem(response: Response): Promise<Error> {
  try {
    const text = bytesToUtf8(await readBody(response, MAX_PROBLEM_BYTES));
    const { code, detail } = v.parse(problemSchema, JSON.parse(text));
    return new ProblemError(code, detail);
  } catch (cause) {
    if (cause instanceof TransportError) return cause;
    return new TransportError('transport/malformed', 'the problem document is not as documented', { cause });
  }
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concatBytes(...chunks);
      length += value.length;
      if (length > maxBytes) break;
      chunks.push(value);
    }
  } catch (cause) {
    throw new TransportError('transport/truncated', 'the answer broke off', { cause });
  }
  await reader.cancel();
  throw new TransportError('transport/too-large', `the answer is longer than ${maxBytes} bytes`);
}

function elsewhere(why: string): TransportError {
  return new TransportError(
    'transport/not-the-coordinator',
    `something else than the coordinator answered: ${why}`,
  );
}
