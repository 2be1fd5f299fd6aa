/** Every route and the order of the middleware, on one page. */
import { EVIDENCE_PATH, PATHS } from '@twinkeep/protocol';
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { progressPath } from './api.ts';
import type { ConsentServices } from './consents/services.ts';
import type { Auth } from './http/auth.ts';
import { createConsentRoutes } from './http/consents.ts';
import { cors } from './http/cors.ts';
import { evidenceRoute } from './http/evidence.ts';
import { healthRoute } from './http/health.ts';
import { createHelperRoutes } from './http/helpers.ts';
import { createLogRoutes } from './http/log.ts';
import { createOfficerRoutes } from './http/officers.ts';
import { notFound, problems } from './http/problem.ts';
import { reportRoute } from './http/reports.ts';
import { modelRoute, offerRoute } from './http/rounds.ts';
import { createTaskRoutes } from './http/tasks.ts';
import { securityEventsRoute } from './http/siem.ts';
import type { WaitingRoom } from './http/wait.ts';
import type { RoundDeps } from './rounds/deps.ts';
import type { ReadSecurityEvents } from './siem/read.ts';

export interface AppDeps {
  rounds: RoundDeps;
  consents: ConsentServices;
  readEvents: ReadSecurityEvents;
  auth: Auth;
  room: WaitingRoom;
  /** How devices and helpers address this server, without a slash at the end. */
  publicUrl: string;
  allowedOrigins: readonly string[];
  log: Logger;
}

export function createApp({
  rounds,
  consents,
  readEvents,
  auth,
  room,
  publicUrl,
  allowedOrigins,
  log,
}: AppDeps): Express {
  const { db, journal } = rounds;
  const tasks = createTaskRoutes(rounds, auth);
  const helpers = createHelperRoutes(rounds, auth, room);
  const spoken = createConsentRoutes(consents, auth);
  const officers = createOfficerRoutes(consents, auth);
  const logs = createLogRoutes(db, journal);

  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(accessLog(log));
  app.use(quietHeaders);
  app.use(cors(allowedOrigins, publicUrl));

  app.get(PATHS.health, healthRoute(db, journal, rounds.trust));
  app.get(PATHS.nonce, (_req, res) => {
    auth.offerNonce(res);
    res.status(204).end();
  });

  app.post(PATHS.tasks, tasks.publish);
  app.get(PATHS.tasks, tasks.list);
  app.get(PATHS.task(':taskId'), tasks.read);
  app.get(PATHS.round(':taskId'), offerRoute(rounds, room));
  app.get(PATHS.results(':taskId'), tasks.results);
  app.get(progressPath(':taskId'), tasks.progress);
  app.get(PATHS.model(':hash'), modelRoute(rounds));

  app.put(PATHS.report(':rcHash', ':kid'), reportRoute(rounds, auth));
  app.post(PATHS.consents, spoken.take);
  app.get(PATHS.consents, spoken.history);
  app.post(PATHS.subjectConsents(':subject'), officers.say);
  app.get(PATHS.proposals, officers.proposals);
  app.put(PATHS.proposalApproval(':id'), officers.approve);
  app.delete(PATHS.proposal(':id'), officers.decline);
  app.put(PATHS.notice(':hash'), officers.publishNotice);
  app.get(PATHS.notice(':hash'), officers.readNotice);
  app.put(PATHS.noticeApproval(':hash'), officers.approveNotice);

  app.post(EVIDENCE_PATH, evidenceRoute(rounds, auth));

  app.get(PATHS.checkpoint, logs.checkpoint);
  app.get(`${PATHS.log}/tile/*path`, logs.tile);
  app.get(PATHS.consistency, logs.consistency);
  app.get(PATHS.logEntries, logs.entries);
  app.get(PATHS.logExport, logs.export);
  app.get(PATHS.logEvents, securityEventsRoute(db, readEvents, journal.origin, auth));

  app.put('/v1/helpers/:j/epoch', helpers.epoch);
  app.get('/v1/helpers/:j/work', helpers.work);
  app.put('/v1/helpers/:j/rounds/:rcHash/cosignature', helpers.cosignature);
  app.put('/v1/helpers/:j/rounds/:rcHash/acks', helpers.verdicts);
  app.put('/v1/helpers/:j/rounds/:rcHash/ready', helpers.ready);
  app.put('/v1/helpers/:j/rounds/:rcHash/sums', helpers.sums);
  app.put('/v1/helpers/:j/rounds/:rcHash/close', helpers.close);

  app.use(notFound());
  app.use(problems(log));
  return app;
}

/** What was asked and how it went: the pattern of the address, not the address, which names keys. */
function accessLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    res.once('close', () => {
      const route = (req.route as { path?: string } | undefined)?.path ?? null;
      const ms = Math.round(performance.now() - start);
      const { code } = res.locals as { code?: string };
      log.debug(
        { method: req.method, route, status: res.statusCode, ms, ...(code === undefined ? {} : { code }) },
        'request',
      );
    });
    next();
  };
}

/** Nothing is kept on the way unless a route says so, and no answer is taken for something it does not say it is. */
const quietHeaders: RequestHandler = (_req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  next();
};
