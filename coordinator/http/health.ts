/** Is it up: the database answers, and what the log gets is also published. */
import { ProblemError, type Health, type Trust } from '@twinkeep/protocol';
import type { RequestHandler } from 'express';
import type { Journal } from '../log/journal.ts';
import type { Db } from '../store/schema.ts';
import { readWitnessProblems } from '../store/witnessed.ts';
import { sendJson } from './answer.ts';

export function healthRoute(db: Db, journal: Journal, trust: Trust): RequestHandler {
  return async (_req, res) => {
    const health = await readHealth(db, journal, trust).catch(() => {
      throw new ProblemError('request/busy', 'the database does not answer');
    });
    sendJson(res, health);
  };
}

async function readHealth(db: Db, journal: Journal, { witnesses: policy }: Trust): Promise<Health> {
  // In this order: what is published is never beyond the log.
  const published = (await journal.published(db))?.size ?? 0;
  const logSize = (await journal.read(db).head())?.size ?? 0;
  if (policy === null) return { status: 'ok', logSize, published, witnesses: null };
  const names = policy.witnesses.map(({ name }) => name);
  const silent = (await readWitnessProblems(db)).filter(({ name }) => names.includes(name));
  const { threshold } = policy;
  return {
    status: names.length - silent.length < threshold ? 'unwitnessed' : 'ok',
    logSize,
    published,
    witnesses: { threshold, of: names.length, silent },
  };
}
