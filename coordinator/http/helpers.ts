/** Helpers: what they have to do, and what they say. They call us; nobody calls them. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  ascendingHashes,
  MAX_VERDICTS,
  MEDIA,
  ProblemError,
  setsOfHelper,
  helperFamily,
  type HelperReady,
  type HelperRound,
  type HelperWork,
  type RoundConfig,
  type SetCommit,
  type Statement,
} from '@twinkeep/protocol';
import type { Request, RequestHandler, Response } from 'express';
import type { ReadLogged } from '../log/statements.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { takeReady, takeSums, takeVerdicts } from '../rounds/helpers.ts';
import { publishEpoch } from '../rounds/publish.ts';
import { readReadies } from '../store/helper-answers.ts';
import { readSet, readUnjudged } from '../store/reports.ts';
import { HELPERS_TOPIC } from '../store/revisions.ts';
import { openRounds, type StoredRound } from '../store/rounds.ts';
import type { Db } from '../store/schema.ts';
import { hashParam, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readBody, readJson } from './body.ts';
import { parseWait, waitForNews, type WaitingRoom } from './wait.ts';

export interface HelperRoutes {
  epoch: RequestHandler;
  work: RequestHandler;
  verdicts: RequestHandler;
  ready: RequestHandler;
  sums: RequestHandler;
}

const MAX_ROUNDS = 64;
/** Room for the signed statement before the sums. */
const SUMS_HEAD_BYTES = 32_768;

export function createHelperRoutes(deps: RoundDeps, auth: Auth, room: WaitingRoom): HelperRoutes {
  const { db, statements } = deps;

  /** The round of the address, after the helper was recognised. */
  const about = async (
    req: Request,
    res: Response,
  ): Promise<{ rcHash: string; config: RoundConfig; j: number }> => {
    const j = await auth.helper(req, res);
    const rcHash = hashParam(req, 'rcHash', 'round/unknown');
    const config = (await statements.find<RoundConfig>(db, rcHash, 'round-config'))?.body;
    if (config === undefined) throw new ProblemError('round/unknown');
    return { rcHash, config, j };
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
    verdicts: async (req, res) => {
      const message = await about(req, res);
      await takeVerdicts(deps, { ...message, body: await readJson(req) });
      res.status(204).end();
    },
    ready: async (req, res) => {
      const message = await about(req, res);
      await takeReady(deps, { ...message, body: await readJson(req) });
      res.status(204).end();
    },
    sums: async (req, res) => {
      const message = await about(req, res);
      const { helpers, c, dPadded, evaluationLength } = message.config;
      const sets = setsOfHelper(helperFamily(helpers.length, c), message.j).length;
      const limit = SUMS_HEAD_BYTES + sets * (4 + 4 * (dPadded + evaluationLength));
      await takeSums(deps, { ...message, body: await readBody(req, MEDIA.sums, limit) });
      res.status(204).end();
    },
  };
}

async function readWork(deps: RoundDeps, j: number, rev: number): Promise<HelperWork> {
  const rounds: HelperRound[] = [];
  const logged = await deps.statements.logged(deps.db);
  for (const round of await openRounds(deps.db)) {
    const work = await readRoundWork(deps.db, logged, j, round);
    if (work !== null) rounds.push(work);
    if (rounds.length === MAX_ROUNDS) break;
  }
  return { rev, rounds };
}

/** Null where the helper has nothing to do with the round. */
async function readRoundWork(
  db: Db,
  logged: ReadLogged,
  j: number,
  round: StoredRound,
): Promise<HelperRound | null> {
  const { rcHash, scHash, state } = round;
  const config = await logged<RoundConfig>(rcHash, 'round-config');
  if (!config.statement.body.helpers.some((helper) => helper.j === j)) return null;
  if (state.phase !== 'revealing') {
    const reports = (await readUnjudged(db, rcHash, j, MAX_VERDICTS)).map(({ header, signature, box }) => ({
      header: bytesToBase64Url(header),
      signature: bytesToBase64Url(signature),
      box: bytesToBase64Url(box),
    }));
    return { config, phase: state.phase, reports, set: null, readies: [] };
  }
  const answered = state.sums.some((given) => given.j === j);
  const commit = await logged<SetCommit>(scHash as string, 'set-commit');
  const readies = (await readReadies(db, rcHash)).map((json) => JSON.parse(json) as Statement<HelperReady>);
  return {
    config,
    phase: state.phase,
    reports: [],
    set: answered ? null : { commit, members: ascendingHashes(await readSet(db, rcHash)) },
    readies,
  };
}
