/** The one write of a device in a round. */
import { maxReportBytes, MEDIA, ProblemError, type RoundConfig } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import type { RoundDeps } from '../rounds/deps.ts';
import { takeReport } from '../rounds/intake.ts';
import { hashParam, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readBody } from './body.ts';

/** Who is asking and what the round takes are known before the first byte of the body is read. */
export function reportRoute(deps: RoundDeps, auth: Auth): RequestHandler {
  return async (req, res) => {
    const rcHash = hashParam(req, 'rcHash', 'round/unknown');
    const kid = hashParam(req, 'kid', 'report/key');
    const { credential, jwt, kid: proved } = await auth.device(req, res, 'device');
    if (kid !== proved) throw new ProblemError('report/key', 'the address names another key');
    const config = (await deps.statements.find<RoundConfig>(deps.db, rcHash, 'round-config'))?.body;
    if (config === undefined) throw new ProblemError('round/unknown');
    const most = Math.min(config.maxTwins, credential.maxTwins);
    const bytes = await readBody(req, MEDIA.report, maxReportBytes(config, most));
    const receipt = await takeReport(deps, { rcHash, config, kid, bytes, credential, credentialJwt: jwt });
    sendJson(res, receipt, 202);
  };
}
