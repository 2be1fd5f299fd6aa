/** Is it up: the database answers and the log has a head. */
import { ProblemError } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import type { Journal } from '../log/journal.ts';
import type { Db } from '../store/schema.ts';
import { sendJson } from './answer.ts';

export function healthRoute(db: Db, journal: Journal): RequestHandler {
  return async (_req, res) => {
    const head = await journal
      .read(db)
      .head()
      .catch(() => {
        throw new ProblemError('request/busy', 'the database does not answer');
      });
    sendJson(res, { status: 'ok', logSize: head?.size ?? 0 });
  };
}
