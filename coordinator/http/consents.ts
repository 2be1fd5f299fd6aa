/**
 * Consent events, up to 256 at a time: the answer is the receipts, after the log holds the events. And reading them back, for whoever speaks for the
 * subject.
 */
import {
  consentUploadSchema,
  MAX_HISTORY_SUBJECTS,
  ProblemError,
  subjectSchema,
  type Credential,
} from '@twinkeep/protocol';
import type { Request, RequestHandler } from 'express';
import * as v from 'valibot';
import type { ConsentServices } from '../consents/services.ts';
import { parseBody, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';
import { parseCount } from './wait.ts';

export interface ConsentRoutes {
  take: RequestHandler;
  history: RequestHandler;
}

export function createConsentRoutes(
  { take, readHistory, recordSignal }: ConsentServices,
  auth: Auth,
): ConsentRoutes {
  /** Of a person's own device: what a region node's HTTP client sends says nothing about anyone. */
  const recordGpc = async (req: Request, credential: Credential): Promise<void> => {
    const gpc = req.headers['sec-gpc'];
    if (typeof gpc === 'string' && credential.maxTwins === 1)
      await recordSignal(credential, { gpc, userAgent: req.headers['user-agent'] ?? '' });
  };

  return {
    take: async (req, res) => {
      const device = await auth.device(req, res, 'device');
      const { events } = parseBody(consentUploadSchema, await readJson(req));
      const receipts = await take(events, device);
      await recordGpc(req, device.credential);
      sendJson(res, receipts);
    },
    history: async (req, res) => {
      const device = await auth.device(req, res, 'device');
      await recordGpc(req, device.credential);
      const question = {
        subjects: subjectsParam(req),
        after: parseCount(req.query['after'], 'after', Number.MAX_SAFE_INTEGER) ?? -1,
        onlyOthers: req.query['others'] === 'true',
      };
      sendJson(res, await readHistory(device, question));
    },
  };
}

const subjectsSchema = v.pipe(v.array(subjectSchema), v.maxLength(MAX_HISTORY_SUBJECTS));

function subjectsParam(req: Request): string[] | null {
  const value = req.query['subjects'];
  if (value === undefined) return null;
  const subjects = typeof value === 'string' ? value.split(',') : null;
  if (!v.is(subjectsSchema, subjects))
    throw new ProblemError('request/malformed', `subjects: up to ${MAX_HISTORY_SUBJECTS} pseudonyms`);
  return subjects;
}
