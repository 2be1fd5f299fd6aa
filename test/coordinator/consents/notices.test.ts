/** Notices over HTTP: which text is in force, who says so, and what a material change does to those who agreed to an older one. */
import { isPermitted, listCells, noticeHash, type ConsentEvent } from '@twinkeep/consent';
import {
  PATHS,
  publishedNoticeSchema,
  type NoticePublication,
  type PublishedNotice,
} from '@twinkeep/protocol';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { createDevice, createSubject, type Device } from '../support/parties.ts';
import { createSpeaker, readHistory, send, speak, synchronise, type Speaker } from '../support/speak.ts';
import { digestTables } from '../support/tables.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let officer: Device;
let second: Device;
beforeAll(async () => {
  world = await createWorld();
  officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  second = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
});
afterAll(() => world.stop());

type Notice = NonNullable<ConsentEvent['notice']>;

const publication = (
  id: string,
  version: string,
  change: NoticePublication['change'],
): NoticePublication => ({
  id,
  version,
  lang: 'en',
  text: `What happens with your data, ${id} version ${version}.`,
  change,
});
const noticeOf = ({ id, version, lang, text }: NoticePublication): Notice => ({
  id,
  version,
  lang,
  hash: noticeHash(text),
});

const put = (
  notice: NoticePublication,
  as: Device = officer,
  hash = noticeHash(notice.text),
): Promise<Answer> => world.client.sendAs(as, { method: 'PUT', path: PATHS.notice(hash), body: notice });
const approve = (notice: NoticePublication, as: Device): Promise<Answer> =>
  world.client.sendAs(as, { method: 'PUT', path: PATHS.noticeApproval(noticeHash(notice.text)), body: {} });
async function read(notice: NoticePublication): Promise<PublishedNotice> {
  const answer = await world.client.send({ method: 'GET', path: PATHS.notice(noticeHash(notice.text)) });
  return v.parse(publishedNoticeSchema, answer.body);
}

const person = (): Promise<Speaker> => createSpeaker(world.parties, createSubject());
const agree = async (who: Speaker, notice: Notice): Promise<Answer> =>
  send(world.client, who, await speak(who, { type: 'grant', notice }));
const isAllowed = ({ state }: Speaker): boolean =>
  listCells(state).some(({ cell }) => isPermitted(cell, Date.now()));

describe('a notice', () => {
  it('that was never published is what the event says it is', async () => {
    expect((await agree(await person(), noticeOf(publication('elsewhere', '7', 'first')))).status).toBe(200);
  });

  it('is shown by its hash, word for word, and only that text has the hash', async () => {
    const first = publication('shown', '1', 'first');
    expect((await put(first)).status).toBe(200);
    expect((await put(first)).status).toBe(200);
    expect(await read(first)).toEqual({ ...first, hash: noticeHash(first.text), state: 'in-force' });
    const before = await digestTables(world.sql);
    expect(await put(first, officer, noticeHash('another text'))).toMatchObject({ code: 'notice/invalid' });
    expect(await put({ ...first, version: '2' })).toMatchObject({ code: 'notice/conflict' });
    expect(await put({ ...first, text: 'the same version, another text', change: 'minor' })).toMatchObject({
      code: 'notice/conflict',
    });
    expect(await put({ ...publication('shown', '2', 'first') })).toMatchObject({ code: 'notice/conflict' });
    expect(await put(publication('unheard', '2', 'minor'))).toMatchObject({ code: 'notice/conflict' });
    expect(await put(first, world.operator)).toMatchObject({ code: 'auth/forbidden' });
    const nothing = { method: 'GET', path: PATHS.notice(noticeHash('nothing')) };
    expect(await world.client.send(nothing)).toMatchObject({ code: 'notice/unknown' });
    expect(await digestTables(world.sql)).toBe(before);
  });

  it('in force is the only one that can be agreed to; a no needs none', async () => {
    const [first, next] = [publication('strict', '1', 'first'), publication('strict', '2', 'minor')];
    await put(first);
    const who = await person();
    expect((await agree(who, noticeOf(first))).status).toBe(200);
    expect((await put(next)).status).toBe(202);
    // Proposed only: still the first.
    expect(await agree(await person(), noticeOf(next))).toMatchObject({
      status: 409,
      code: 'consent/notice',
    });
    const sameKey = await createDevice(world.parties, { scope: 'officer', maxTwins: 1, key: officer.key });
    const sameSub = await createDevice(world.parties, { scope: 'officer', maxTwins: 1, sub: officer.sub });
    for (const same of [officer, sameKey, sameSub])
      expect(await approve(next, same)).toMatchObject({ code: 'consent/officers' });
    expect((await approve(next, second)).body).toMatchObject({ state: 'in-force' });
    expect((await approve(next, second)).status).toBe(200);
    expect((await read(first)).state).toBe('past');
    const late = await person();
    for (const wrong of [
      noticeOf(first),
      { ...noticeOf(next), version: '1' },
      { ...noticeOf(next), lang: 'de' },
      { ...noticeOf(next), hash: noticeHash('another') },
    ])
      expect(await agree(await person(), wrong)).toMatchObject({ code: 'consent/notice' });
    expect((await agree(late, noticeOf(next))).status).toBe(200);
    expect(
      (await send(world.client, who, await speak(who, { type: 'withdraw', notice: noticeOf(first) }))).status,
    ).toBe(200);
    // A smaller change asks nobody again.
    await synchronise(world.client, late);
    expect(isAllowed(late)).toBe(true);
  });

  it('that changes materially ends every yes to an older text, and none to another notice', async () => {
    const [first, next] = [publication('large', '1', 'first'), publication('large', '2', 'material')];
    await put(first);
    const asked = await Promise.all(Array.from({ length: 3 }, person));
    for (const who of asked) await agree(who, noticeOf(first));
    const other = await person();
    await agree(other, noticeOf(publication('elsewhere', '7', 'first')));
    await put(next);
    await approve(next, second);
    for (const who of asked) {
      await until(async () => (await readHistory(world.client, who.device)).events.length === 2);
      const events = await synchronise(world.client, who);
      const bump = JSON.parse(
        Buffer.from(events[1]!.jws.split('.')[1]!, 'base64url').toString(),
      ) as ConsentEvent;
      expect(bump).toMatchObject({
        event: { type: 'notice_bump', by: 'controller', actor: officer.sub, approver: second.sub },
        notice: noticeOf(next),
      });
      expect(isAllowed(who)).toBe(false);
    }
    await until(carriedOn);
    expect((await readHistory(world.client, other.device)).events).toHaveLength(1);
    const [who] = asked as [Speaker];
    expect((await agree(who, noticeOf(next))).status).toBe(200);
    expect(isAllowed(who)).toBe(true);
    // Carried on once more, as after a crash, it asks nobody a second time, and nobody who agreed to the new text.
    const before = (await world.sql.query('select from consent_events')).rowCount;
    await world.sql.query("update notices set bump_after = '' where hash = $1", [noticeHash(next.text)]);
    await until(carriedOn);
    expect((await world.sql.query('select from consent_events')).rowCount).toBe(before);
  });
});

async function carriedOn(): Promise<boolean> {
  return (await world.sql.query('select from notices where bump_after is not null')).rowCount === 0;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 600; look++) {
    if (await holds()) return;
    await pause(25);
  }
  throw new Error('it never came to be');
}
