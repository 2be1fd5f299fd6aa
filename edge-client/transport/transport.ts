/**
 * Requests to the coordinator. Reads carry no identity. A device's writes carry its credential and a DPoP proof, a helper's requests
 * a proof alone; the server's nonce is kept from answer to answer. Nothing is followed elsewhere: a redirect is refused, because
 * credential and report are for the coordinator only.
 */
import {
  createProof,
  MAX_JSON_BYTES,
  PATHS,
  ProblemError,
  type Random,
  type SigningKey,
} from '@twinkeep/protocol';
import { readAnswer, type Answer } from './answer.ts';
import { isPassing, TransportError } from './errors.ts';
import { DEFAULT_RETRY, sleep as realSleep, withRetry, type RetryPolicy, type Sleep } from './retry.ts';

export interface TransportOptions {
  /** Public address of the coordinator, e.g. `https://coordinator.example`. */
  baseUrl: string;
  /** Device or helper key; without one the transport can read only. */
  key?: SigningKey;
  /** JWT of the host app's back end; asked for at each use, since it is renewed. */
  credential?: () => string;
  fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  clock: () => number;
  random: Random;
  sleep?: Sleep;
  retry?: RetryPolicy;
  /** Milliseconds for one attempt, answer included; a long poll adds its wait. */
  timeout?: number;
}

export type Auth = 'none' | 'device' | 'helper';

export interface RequestSpec {
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  query?: Readonly<Record<string, number | 'true'>>;
  body?: { mediaType: string; bytes: Uint8Array };
  auth: Auth;
  /** Media type of a successful answer's body; null: none is read. */
  wanted: string | null;
  maxBytes?: number;
  /** Milliseconds that the server may park the request. */
  park?: number;
  /** Immutable answers may come from a cache. */
  cacheable?: boolean;
  signal?: AbortSignal | undefined;
}

export interface Transport {
  /**
   * One request, tried again where that can help: every request of this protocol may be repeated.
   * @throws ProblemError where the coordinator refused; TransportError
   */
  request(spec: RequestSpec): Promise<Answer>;
  /** Milliseconds that the last answer asked to wait (Retry-After), with a limit. */
  retryAfter(): number;
  readonly sleep: Sleep;
  readonly retry: RetryPolicy;
  readonly random: Random;
}

const DEFAULT_TIMEOUT = 30_000;

/** A hostile Retry-After must not put a device to sleep for good. */
const MAX_RETRY_AFTER = 10 * 60_000;

export function createTransport(options: TransportOptions): Transport {
  const { random, sleep = realSleep, retry = DEFAULT_RETRY } = options;
  const memory: Memory = { nonce: undefined, retryAfter: 0 };
  const transport: Transport = {
    request: (spec) =>
      withRetry(
        () => attempt(options, spec, memory),
        { policy: retry, random, sleep, retryAfter: transport.retryAfter },
        spec.signal,
      ),
    retryAfter: () => memory.retryAfter,
    sleep,
    retry,
    random,
  };
  return transport;
}

interface Memory {
  nonce: string | undefined;
  retryAfter: number;
}

/** One try; a refused nonce is renewed at once, since the refusal brings the next. */
async function attempt(options: TransportOptions, spec: RequestSpec, memory: Memory): Promise<Answer> {
  // A body is not sent only to learn the nonce that it needed.
  if (spec.auth !== 'none' && spec.body !== undefined && memory.nonce === undefined)
    await send(options, { ...NONCE, signal: spec.signal }, memory);
  const used = memory.nonce;
  try {
    return await send(options, spec, memory);
  } catch (error) {
    const renewed = error instanceof ProblemError && error.code === 'auth/nonce' && memory.nonce !== used;
    if (!renewed) throw error;
    return send(options, spec, memory);
  }
}

const NONCE: RequestSpec = { method: 'GET', path: PATHS.nonce, auth: 'none', wanted: null };

async function send(options: TransportOptions, spec: RequestSpec, memory: Memory): Promise<Answer> {
  const url = address(options.baseUrl, spec);
  const headers = await authenticate(options, spec, url, memory.nonce);
  if (spec.body !== undefined) headers.set('content-type', spec.body.mediaType);
  if (spec.wanted !== null) headers.set('accept', `${spec.wanted}, application/problem+json`);
  const time = limitTime((options.timeout ?? DEFAULT_TIMEOUT) + (spec.park ?? 0), spec.signal);
  const init: RequestInit = {
    method: spec.method,
    headers,
    redirect: 'manual',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    cache: spec.cacheable === true ? 'default' : 'no-store',
    signal: time.signal,
    ...(spec.body === undefined ? {} : { body: new Uint8Array(spec.body.bytes) }),
  };
  memory.retryAfter = 0;
  try {
    const response = await connect(options.fetch, url, init);
    memory.nonce = response.headers.get('dpop-nonce') ?? memory.nonce;
    memory.retryAfter = readRetryAfter(response.headers.get('retry-after'), options.clock());
    return await readAnswer(response, spec.wanted, spec.maxBytes ?? MAX_JSON_BYTES);
  } catch (error) {
    throw time.signal.aborted && isPassing(error) ? time.signal.reason : error;
  } finally {
    time.end();
  }
}

/**
 * A signal that fires when the caller's does, or when the time is over, with the error to throw. `AbortSignal.any` would hold on to
 * every signal ever made from a caller's long-lived one in some engines.
 */
function limitTime(
  milliseconds: number,
  caller: AbortSignal | undefined,
): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const stop = (): void =>
    controller.abort(new TransportError('transport/aborted', 'the caller ended the request'));
  const timer = setTimeout(
    () => controller.abort(new TransportError('transport/timeout', 'no complete answer came in time')),
    milliseconds,
  );
  if (caller?.aborted === true) stop();
  else caller?.addEventListener('abort', stop, { once: true });
  const end = (): void => {
    clearTimeout(timer);
    caller?.removeEventListener('abort', stop);
  };
  return { signal: controller.signal, end };
}

async function connect(fetch: TransportOptions['fetch'], url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new TransportError(
      'transport/offline',
      'the coordinator cannot be reached, or a proxy asks for a password',
      { cause },
    );
  }
}

async function authenticate(
  { key, credential, clock }: TransportOptions,
  { method, auth }: RequestSpec,
  url: string,
  nonce: string | undefined,
): Promise<Headers> {
  const headers = new Headers();
  if (auth === 'none') return headers;
  if (key === undefined) throw new TransportError('transport/no-key', 'this call needs a key');
  const jwt = auth === 'device' ? credential?.() : undefined;
  if (auth === 'device' && jwt === undefined)
    throw new TransportError('transport/no-key', 'this call needs a credential');
  if (jwt !== undefined) headers.set('authorization', `DPoP ${jwt}`);
  const proven = {
    method,
    url,
    ...(jwt === undefined ? {} : { credential: jwt }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  headers.set('dpop', await createProof(key, proven, new Date(clock())));
  return headers;
}

function address(baseUrl: string, { path, query = {} }: RequestSpec): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  return `${baseUrl.replace(/\/+$/, '')}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3); what is neither asks for nothing. */
function readRetryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.min(MAX_RETRY_AFTER, Math.max(0, wait)) : 0;
}
