/** Every route on one page: one write for logs, one read for monitors. */
import { bytesToHex, sha256, utf8ToBytes } from '@twinkeep/audit';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Answer } from './cosigner.ts';
import type { Db } from './store/database.ts';
import { readNoteOf } from './store/heads.ts';

export interface AppDeps {
  db: Db;
  addCheckpoint: (body: Uint8Array) => Promise<Answer>;
  origins: readonly string[];
  log: Logger;
}

/** 63 proof lines and a note with dozens of signatures. */
const MAX_REQUEST_BYTES = 16_384;
const TEXT = 'text/plain; charset=utf-8';

export function createApp({ db, addCheckpoint, origins, log }: AppDeps): Express {
  const byHash = new Map(origins.map((origin) => [bytesToHex(sha256(utf8ToBytes(origin))), origin]));
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use(quietHeaders);
  app.post('/add-checkpoint', readBody, addRoute(addCheckpoint));
  app.get('/:originHash/checkpoint', checkpointRoute(db, byHash));
  app.get('/healthz', healthRoute(db, origins));
  app.use((_req, res) => {
    res.status(404).type(TEXT).end('there is nothing at this address\n');
  });
  app.use(failures(log));
  return app;
}

/** The media type is left open by the specification. */
const readBody: RequestHandler = express.raw({ type: () => true, limit: MAX_REQUEST_BYTES, inflate: false });

function addRoute(addCheckpoint: AppDeps['addCheckpoint']): RequestHandler {
  return async (req, res) => {
    const sent: unknown = req.body;
    const { status, type, body } = await addCheckpoint(sent instanceof Uint8Array ? sent : new Uint8Array());
    // Not by Express, who would add a charset to a type that has none.
    res.writeHead(status, { 'Content-Type': type }).end(body);
  };
}

/** For monitors: what was cosigned last. Compared with what the log shows, it tells them whether all see one log. */
function checkpointRoute(db: Db, byHash: ReadonlyMap<string, string>): RequestHandler {
  return async (req, res) => {
    const origin = byHash.get(String(req.params['originHash']));
    const note = origin === undefined ? null : await readNoteOf(db, origin);
    if (note === null) res.status(404).type(TEXT).end('nothing was cosigned for this log\n');
    else res.type(TEXT).end(note);
  };
}

function healthRoute(db: Db, origins: readonly string[]): RequestHandler {
  return async (_req, res) => {
    await readNoteOf(db, origins[0] ?? '');
    res.json({ status: 'ok', logs: origins.length });
  };
}

const quietHeaders: RequestHandler = (_req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  next();
};

/** What went wrong inside never leaves: the answer carries an id, the log the rest. */
function failures(log: Logger): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const { status } = error as { status?: unknown };
    // Express' own: a body that is too large, compressed or cut off.
    if (typeof status === 'number' && status >= 400 && status < 500) {
      res.status(status).type(TEXT).end('the request cannot be read\n');
      return;
    }
    const id = randomUUID();
    log.error({ id, err: describe(error) }, 'request failed');
    if (res.headersSent) res.destroy();
    else res.status(500).type(TEXT).end(`internal error ${id}\n`);
  };
}

/** Name, code and stack: a driver's error carries the row that it was about. */
export function describe(error: unknown): { name: string; code?: unknown; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error };
  return { name: error.name, ...('code' in error ? { code: error.code } : {}), stack: error.stack };
}
