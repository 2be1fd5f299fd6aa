/** Answers, and the parts of an address, each in its one form. */
import { hashSchema, MEDIA, ProblemError, taskIdSchema, type ProblemCode } from '@twinkeep/protocol';
import type { Request, Response } from 'express';
import * as v from 'valibot';

export function sendJson(res: Response, body: unknown, status: number = 200): void {
  res.status(status).type(MEDIA.json).send(JSON.stringify(body));
}

/** For what never changes: anyone on the way may keep it. */
export function cacheForEver(res: Response): void {
  res.set('Cache-Control', 'public, max-age=31536000, immutable');
}

/** A hash in an address. What cannot be a hash is not found, like a hash of nothing. */
export function hashParam(req: Request, name: string, code: ProblemCode): string {
  const value = req.params[name];
  if (!v.is(hashSchema, value)) throw new ProblemError(code);
  return value;
}

export function taskParam(req: Request): string {
  const value = req.params['taskId'];
  if (!v.is(taskIdSchema, value)) throw new ProblemError('task/unknown');
  return value;
}

/** A JSON body in its documented form. @throws ProblemError 'request/malformed' naming the field, never its value */
export function parseBody<T>(schema: v.GenericSchema<T>, body: unknown): T {
  const parsed = v.safeParse(schema, body, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new ProblemError('request/malformed', v.getDotPath(parsed.issues[0]) ?? 'the body');
}
