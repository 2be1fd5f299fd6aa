/** Consent events, up to 256 at a time. The answer is the receipts, after the log holds the events. */
import { consentUploadSchema } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import type { TakeConsents } from '../consents/intake.ts';
import { parseBody, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';

export function consentRoute(takeConsents: TakeConsents, auth: Auth): RequestHandler {
  return async (req, res) => {
    const device = await auth.device(req, res, 'device');
    const { events } = parseBody(consentUploadSchema, await readJson(req));
    sendJson(res, await takeConsents(events, device));
  };
}
