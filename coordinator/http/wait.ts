/**
 * Long polls. A request says which revision it knows and is parked until there is another one, or its time is over. One query
 * answers all parked requests together: after a notification, and now and then in case one was lost.
 *
 * Parked requests are capped. Above the cap the answer is what is there now, with a Retry-After: plain polling is the same endpoint with less comfort.
 */
import type { Request, Response } from 'express';
import { MAX_WAIT_SECONDS, ProblemError } from '@twinkeep/protocol';
import { readRevisions } from '../store/revisions.ts';
import type { Db } from '../store/schema.ts';

/** How late a change is noticed whose notification was lost. */
const POLL_MILLIS = 1_000;

export interface WaitRequest {
  topic: string;
  /** Revision that the client has; null: it has none. */
  after: number | null;
  seconds: number;
  /** Fires when the client has gone. */
  gone: AbortSignal;
}

export interface WaitingRoom {
  /** @returns a revision read before whatever the caller reads next; `busy` where there was no room to wait */
  wait(request: WaitRequest): Promise<{ rev: number; busy: boolean }>;
  /** Something has changed. */
  wake(): void;
  /** Lets everyone go. */
  stop(): void;
}

interface Waiter {
  topic: string;
  after: number;
  release: (rev: number) => void;
}

export function createWaitingRoom(
  db: Db,
  onError: (error: unknown) => void,
  { maxParked, pollMillis = POLL_MILLIS }: { maxParked: number; pollMillis?: number },
): WaitingRoom {
  const waiters = new Set<Waiter>();
  let refreshing = false;
  let again = false;
  let stopped = false;

  const readOne = async (topic: string): Promise<number> =>
    (await readRevisions(db, [topic])).get(topic) ?? 0;

  const refresh = async (): Promise<void> => {
    const revs = await readRevisions(db, [...new Set([...waiters].map(({ topic }) => topic))]);
    for (const waiter of [...waiters]) {
      const rev = revs.get(waiter.topic);
      if (rev !== undefined && rev !== waiter.after) waiter.release(rev);
    }
  };

  /** One query at a time; what comes in while it runs is looked at once more afterwards. */
  const wake = (): void => {
    if (waiters.size === 0) return;
    if (refreshing) {
      again = true;
      return;
    }
    refreshing = true;
    refresh()
      .catch(onError)
      .finally(() => {
        refreshing = false;
        if (again) {
          again = false;
          wake();
        }
      });
  };
  const poll = setInterval(wake, pollMillis);
  poll.unref();

  /** Registered before it looks, so that a change between the look and the parking wakes it. */
  const park = ({ topic, after, seconds, gone }: WaitRequest & { after: number }): Promise<number> =>
    new Promise((resolve) => {
      const waiter: Waiter = {
        topic,
        after,
        release: (rev) => {
          waiters.delete(waiter);
          clearTimeout(timer);
          gone.removeEventListener('abort', leave);
          resolve(rev);
        },
      };
      const leave = (): void => waiter.release(after);
      const timer = setTimeout(leave, seconds * 1_000);
      gone.addEventListener('abort', leave);
      waiters.add(waiter);
      readOne(topic).then(
        (rev) => {
          if (rev !== after) waiter.release(rev);
        },
        (error: unknown) => {
          onError(error);
          leave();
        },
      );
    });

  return {
    wait: async (request) => {
      const { topic, after, seconds } = request;
      if (after === null || seconds === 0 || stopped) return { rev: await readOne(topic), busy: false };
      if (waiters.size < maxParked) return { rev: await park({ ...request, after }), busy: false };
      const rev = await readOne(topic);
      return { rev, busy: rev === after };
    },
    wake,
    stop: () => {
      stopped = true;
      clearInterval(poll);
      for (const waiter of [...waiters]) waiter.release(waiter.after);
    },
  };
}

/** Seconds after which to ask again where there was no room to wait. */
const BUSY_SECONDS = '2';

export interface WaitQuery {
  after: number | null;
  seconds: number;
}

/** `?after=<rev>&wait=<seconds>`, both optional. @throws ProblemError 'request/malformed' */
export function parseWait(req: Request): WaitQuery {
  const after = parseCount(req.query['after'], 'after', Number.MAX_SAFE_INTEGER);
  const seconds = parseCount(req.query['wait'], 'wait', MAX_WAIT_SECONDS) ?? 0;
  return { after, seconds };
}

/** @returns the revision to answer for, or null where there is no news: that is answered here, with 204 */
export async function waitForNews(
  room: WaitingRoom,
  res: Response,
  topic: string,
  { after, seconds }: WaitQuery,
): Promise<number | null> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const { rev, busy } = await room.wait({ topic, after, seconds, gone: gone.signal });
  if (rev !== after) return rev;
  if (busy) res.set('Retry-After', BUSY_SECONDS);
  res.status(204).end();
  return null;
}

/** A query parameter that is a whole number up to `max`; null where it is not there. @throws ProblemError 'request/malformed' */
export function parseCount(value: unknown, name: string, max: number): number | null {
  if (value === undefined) return null;
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : NaN;
  if (!(count <= max)) throw new ProblemError('request/malformed', `${name} is a whole number up to ${max}`);
  return count;
}
