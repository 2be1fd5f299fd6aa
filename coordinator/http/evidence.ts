/** Evidence packs for officers: one at a time, since each is held in memory while it is made. */
import { EVIDENCE_MEDIA, evidenceRequestSchema, ProblemError } from '@twinkeep/protocol';
import type { RequestHandler, Response } from 'express';
import { once } from 'node:events';
import { takeEvidence } from '../evidence/take.ts';
import type { RoundDeps } from '../rounds/deps.ts';
import { parseBody } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';

const PATIENCE_MILLIS = 30_000;

export function evidenceRoute(deps: RoundDeps, auth: Auth): RequestHandler {
  let isMaking = false;
  return async (req, res) => {
    const { credential } = await auth.device(req, res, 'officer');
    const request = parseBody(evidenceRequestSchema, await readJson(req));
    if (isMaking) throw new ProblemError('request/busy', 'another pack is being made');
    isMaking = true;
    try {
      const { text } = await takeEvidence(deps, request, credential);
      res.type(EVIDENCE_MEDIA);
      for (const part of text) {
        if (res.destroyed) return;
        if (!res.write(part)) await untilTaken(res);
      }
      res.end();
    } finally {
      isMaking = false;
    }
  };
}

/** Whoever stops reading gives the place up: nobody else can be given a pack meanwhile. */
async function untilTaken(res: Response): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MILLIS);
  try {
    await Promise.race([once(res, 'drain', { signal }), once(res, 'close', { signal })]);
  } catch {
    res.destroy();
  }
}
