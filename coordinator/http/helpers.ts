/** Helpers: what they have to do, and what they say. They call us; nobody calls them. */
import { helperFamily, MEDIA, ProblemError, reportWords, setsOfHelper } from '@twinkeep/protocol';
import type { Request, RequestHandler, Response } from 'express';
import { takeClose } from '../rounds/close.ts';
import { takeCosignature } from '../rounds/cosign.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import type { HelperMessage } from '../rounds/helper-message.ts';
import { takeReady, takeSums, takeVerdicts } from '../rounds/helpers.ts';
import { publishEpoch } from '../rounds/publish.ts';
import { HELPERS_TOPIC } from '../store/revisions.ts';
import { readConfig } from '../rounds/running.ts';
import { hashParam, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readBody, readJson } from './body.ts';
import { parseWait, waitForNews, type WaitingRoom } from './wait.ts';
import { readWork } from './work.ts';

export interface HelperRoutes {
  epoch: RequestHandler;
  work: RequestHandler;
  cosignature: RequestHandler;
  verdicts: RequestHandler;
  ready: RequestHandler;
  sums: RequestHandler;
  close: RequestHandler;
}

/** Room for the signed statement before the sums. */
const SUMS_HEAD_BYTES = 32_768;

export function createHelperRoutes(deps: RoundDeps, auth: Auth, room: WaitingRoom): HelperRoutes {
  /** The round of the address, after the helper was recognised. */
  const about = async (req: Request, res: Response): Promise<Omit<HelperMessage, 'body'>> => {
    const j = await auth.helper(req, res);
    const rcHash = hashParam(req, 'rcHash', 'round/unknown');
    const config = await readConfig(deps, rcHash);
    if (config === null) throw new ProblemError('round/unknown');
    return { rcHash, config, j };
  };
  /** What a helper says as JSON, and says again after a crash. */
  const saying =
    (take: (deps: RoundDeps, message: HelperMessage) => Promise<void>): RequestHandler =>
    async (req, res) => {
      const message = await about(req, res);
      await take(deps, { ...message, body: await readJson(req) });
      res.status(204).end();
    };

  return {
    epoch: async (req, res) => {
      const j = await auth.helper(req, res);
      await publishEpoch(deps, j, await readJson(req));
      res.status(204).end();
    },
    work: async (req, res) => {
      const j = await auth.helper(req, res);
      const rev = await waitForNews(room, res, HELPERS_TOPIC, parseWait(req));
      if (rev !== null) sendJson(res, await readWork(deps, j, rev));
    },
    cosignature: saying(takeCosignature),
    verdicts: saying(takeVerdicts),
    ready: saying(takeReady),
    close: saying(takeClose),
    sums: async (req, res) => {
      const message = await about(req, res);
      const { helpers, c } = message.config;
      const sets = setsOfHelper(helperFamily(helpers.length, c), message.j).length;
      const limit = SUMS_HEAD_BYTES + sets * (4 + 4 * reportWords(message.config));
      await takeSums(deps, { ...message, body: await readBody(req, MEDIA.sums, limit) });
      res.status(204).end();
    },
  };
}
