/** Refusals as RFC 9457 problem documents. What went wrong inside never leaves: the answer carries an id, the log the rest. */
import { MEDIA, ProblemError, problemToDocument } from '@twinkeep/protocol';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';

/** Seconds after which a client may try again where the server had no room. */
const BUSY_SECONDS = 2;

export function notFound(): RequestHandler {
  return () => {
    throw new ProblemError('request/not-found');
  };
}

/** The last middleware. An answer that has begun can only be cut off: its reader sees that it is not whole. */
export function problems(log: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    if (res.headersSent) {
      log.warn({ err: describe(error) }, 'answer cut off');
      res.destroy();
      return;
    }
    const problem = toProblem(error);
    if (problem !== null) {
      sendProblem(req, res, problem);
      return;
    }
    const id = randomUUID();
    log.error({ id, method: req.method, err: describe(error) }, 'request failed');
    const body = { type: 'about:blank', title: 'Internal Server Error', status: 500, id };
    res.status(500).type(MEDIA.problem).send(JSON.stringify(body));
  };
}

/** What is left of a refused body is read and thrown away up to here, so that its sender comes to see the refusal. */
const DISCARDED_BYTES = 16 * 2 ** 20;

function sendProblem(req: Request, res: Response, problem: ProblemError): void {
  res.locals['code'] = problem.code;
  const announced = Number(req.headers['content-length'] ?? Infinity);
  if (problem.code === 'request/too-large' && announced > DISCARDED_BYTES) res.set('Connection', 'close');
  if (problem.code === 'request/busy') res.set('Retry-After', String(BUSY_SECONDS));
  if (problem.code === 'auth/nonce')
    res.set('WWW-Authenticate', 'DPoP error="use_dpop_nonce", algs="Ed25519 EdDSA"');
  else if (problem.status === 401) res.set('WWW-Authenticate', 'DPoP algs="Ed25519 EdDSA"');
  res
    .status(problem.status)
    .type(MEDIA.problem)
    .send(JSON.stringify(problemToDocument(problem)));
}

function toProblem(error: unknown): ProblemError | null {
  if (error instanceof ProblemError) return error;
  // Express' own: an address that cannot be decoded.
  if (error instanceof URIError) return new ProblemError('request/malformed', 'the address');
  return null;
}

/** Name, code and stack. Not the error itself: a driver's error carries the row that it was about. */
export function describe(error: unknown): { name: string; code?: unknown; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error };
  return { name: error.name, ...('code' in error ? { code: error.code } : {}), stack: error.stack };
}
