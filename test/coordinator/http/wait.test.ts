import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWaitingRoom, type WaitingRoom } from '../../../coordinator/http/wait.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { listenForWakes } from '../../../coordinator/store/listen.ts';
import { migrate } from '../../../coordinator/store/migrate.ts';
import { raiseRevisions } from '../../../coordinator/store/revisions.ts';
import type { Db } from '../../../coordinator/store/schema.ts';
import { createTestDatabase } from '../../support/postgres.ts';

let db: Db;
let url: string;
beforeAll(async () => {
  url = await createTestDatabase();
  db = openDatabase(url, () => undefined);
  await migrate(db);
});
afterAll(() => db.destroy());

const HOUR = 3_600_000;
const raise = (...topics: string[]): Promise<void> =>
  db.transaction().execute((tx) => raiseRevisions(tx, topics));
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

function openRoom(pollMillis: number, maxParked: number = 10): WaitingRoom {
  const fail = (error: unknown): never => {
    throw error;
  };
  return createWaitingRoom(db, fail, { maxParked, pollMillis });
}

describe('the waiting room', () => {
  it('is woken by the notification of the transaction, and only for its topic', async () => {
    const room = openRoom(HOUR);
    const listener = await listenForWakes(url, room.wake, () => undefined);
    const gone = new AbortController().signal;
    const woken: string[] = [];
    const wait = (topic: string): Promise<void> =>
      room.wait({ topic, after: 0, seconds: 25, gone }).then(({ rev }) => void woken.push(`${topic} ${rev}`));
    const one = wait('one');
    const two = wait('two');
    await pause(100);
    await raise('other');
    await pause(200);
    expect(woken).toEqual([]);
    await raise('one');
    await one;
    expect(woken).toEqual(['one 1']);
    await raise('two', 'one');
    await two;
    expect(woken).toEqual(['one 1', 'two 1']);
    room.stop();
    await listener.stop();
  });

  it('looks by itself now and then where nobody notifies it', async () => {
    const room = openRoom(100);
    const gone = new AbortController().signal;
    const waited = room.wait({ topic: 'quiet', after: 0, seconds: 25, gone });
    await pause(50);
    await raise('quiet');
    expect(await waited).toEqual({ rev: 1, busy: false });
    room.stop();
  });

  it('does not park whoever is behind, or asks without a revision or without patience', async () => {
    const room = openRoom(HOUR);
    const gone = new AbortController().signal;
    await raise('behind');
    await raise('behind');
    for (const asked of [
      { after: 1, seconds: 25 },
      { after: 7, seconds: 25 },
      { after: null, seconds: 25 },
      { after: 2, seconds: 0 },
    ])
      expect(await room.wait({ topic: 'behind', gone, ...asked })).toEqual({ rev: 2, busy: false });
    room.stop();
  });

  it('lets go when the time is over, when the client leaves, and when it closes', async () => {
    const room = openRoom(HOUR, 1);
    const leave = new AbortController();
    const start = Date.now();
    expect(await room.wait({ topic: 'none', after: 0, seconds: 1, gone: leave.signal })).toEqual({
      rev: 0,
      busy: false,
    });
    expect(Date.now() - start).toBeGreaterThan(950);
    const left = room.wait({ topic: 'none', after: 0, seconds: 25, gone: leave.signal });
    const stays = new AbortController().signal;
    expect(await room.wait({ topic: 'none', after: 0, seconds: 25, gone: stays })).toEqual({
      rev: 0,
      busy: true,
    });
    leave.abort();
    expect(await left).toEqual({ rev: 0, busy: false });
    const last = room.wait({ topic: 'none', after: 0, seconds: 25, gone: stays });
    room.stop();
    expect(await last).toEqual({ rev: 0, busy: false });
  });
});
