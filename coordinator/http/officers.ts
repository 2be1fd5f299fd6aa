/** What officers of the controller do: speak about a subject, agree with one another, publish notices. */
import {
  noticePublicationSchema,
  officerRequestSchema,
  ProblemError,
  subjectSchema,
  type ConsentProposal,
} from '@twinkeep/protocol';
import { HashSchema } from '@twinkeep/consent';
import type { Request, RequestHandler } from 'express';
import * as v from 'valibot';
import type { Notices } from '../consents/notices.ts';
import type { Officers } from '../consents/officers.ts';
import { parseBody, sendJson } from './answer.ts';
import type { Auth } from './auth.ts';
import { readJson } from './body.ts';

export interface OfficerRoutes {
  say: RequestHandler;
  proposals: RequestHandler;
  approve: RequestHandler;
  decline: RequestHandler;
  publishNotice: RequestHandler;
  approveNotice: RequestHandler;
  readNotice: RequestHandler;
}

export function createOfficerRoutes(
  { officers, notices }: { officers: Officers; notices: Notices },
  auth: Auth,
): OfficerRoutes {
  return {
    say: async (req, res) => {
      const { credential } = await auth.device(req, res, 'officer');
      const subject = req.params['subject'];
      if (!v.is(subjectSchema, subject)) throw new ProblemError('consent/unknown-subject');
      const said = await officers.say(
        credential,
        subject,
        parseBody(officerRequestSchema, await readJson(req)),
      );
      if ('proposal' in said) sendJson(res, said.proposal, 202);
      else sendJson(res, said.receipt);
    },
    proposals: async (req, res) => {
      await auth.device(req, res, 'officer');
      const answer: { proposals: ConsentProposal[] } = { proposals: await officers.proposals() };
      sendJson(res, answer);
    },
    approve: async (req, res) => {
      const { credential } = await auth.device(req, res, 'officer');
      sendJson(res, await officers.approve(credential, idParam(req)));
    },
    decline: async (req, res) => {
      await auth.device(req, res, 'officer');
      await officers.decline(idParam(req));
      res.status(204).end();
    },
    publishNotice: async (req, res) => {
      const { credential } = await auth.device(req, res, 'officer');
      const publication = parseBody(noticePublicationSchema, await readJson(req));
      const notice = await notices.publish(credential, noticeParam(req), publication);
      sendJson(res, notice, notice.state === 'proposed' ? 202 : 200);
    },
    approveNotice: async (req, res) => {
      const { credential } = await auth.device(req, res, 'officer');
      sendJson(res, await notices.approve(credential, noticeParam(req)));
    },
    readNotice: async (req, res) => {
      sendJson(res, await notices.read(noticeParam(req)));
    },
  };
}

function idParam(req: Request): string {
  const id = req.params['id'];
  if (typeof id !== 'string') throw new ProblemError('consent/unknown-proposal');
  return id;
}

function noticeParam(req: Request): string {
  const hash = req.params['hash'];
  if (!v.is(HashSchema, hash)) throw new ProblemError('notice/unknown');
  return hash;
}
