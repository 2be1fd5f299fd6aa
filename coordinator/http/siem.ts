/** What happened, for security monitoring that asks instead of being told: the index of the log is the cursor, so nothing comes twice. */
import { ProblemError } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import { formatEvent, FORMATS, type Format } from '../siem/format.ts';
import type { ReadSecurityEvents } from '../siem/read.ts';
import type { Db } from '../store/schema.ts';
import type { Auth } from './auth.ts';
import { parseCount } from './wait.ts';

const MAX_EVENTS = 1_000;
const TYPES: Record<Format, string> = {
  ndjson: 'application/x-ndjson',
  ocsf: 'application/x-ndjson',
  cef: 'text/plain; charset=utf-8',
};

/** `?from=INDEX`, `&limit=N` (at most 1,000), `&format=ndjson|cef|ocsf`: a line for each entry from `from` on; none where there is none yet. */
export function securityEventsRoute(
  db: Db,
  read: ReadSecurityEvents,
  origin: string,
  auth: Auth,
): RequestHandler {
  return async (req, res) => {
    await auth.device(req, res, 'officer');
    const from = parseCount(req.query['from'], 'from', Number.MAX_SAFE_INTEGER) ?? 0;
    const limit = parseCount(req.query['limit'], 'limit', MAX_EVENTS) ?? MAX_EVENTS;
    const asked = req.query['format'] ?? 'ndjson';
    const format = FORMATS.find((each) => each === asked);
    if (format === undefined)
      throw new ProblemError('request/malformed', `format is one of ${FORMATS.join(', ')}`);
    const events = await read(db, from, limit);
    res.type(TYPES[format]).send(events.map((event) => `${formatEvent(event, format, origin)}\n`).join(''));
  };
}
