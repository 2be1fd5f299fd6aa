/**
 * Several tabs of one origin in a real Chromium: one store, one that works on rounds, and what becomes of its work when it goes. And several
 * devices of one person, which know of each other what the log says.
 */
import { utf8ToBytes } from '@twinkeep/audit';
import { createTransport } from '@twinkeep/edge-client/fleet';
import { importSigningKey, MEDIA, PATHS, randomBytes } from '@twinkeep/protocol';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import type { World } from '../support/world.ts';
import { createHouse, type Begun, type House } from './support/house.ts';
import { launchRawChromium } from './support/raw-chromium.ts';
import { history, openTwin, startTwin, until, type TwinInPage, type TwinTab } from './support/twin-tab.ts';

describe('a twin in Chromium', { timeout: 300_000 }, () => {
  let house: House;
  let browser: Browser;
  let context: BrowserContext;
  let rounds: Begun;
  const tabs: TwinInPage[] = [];

  beforeAll(async () => {
    house = await createHouse();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    rounds = await house.begin(3);
  });
  afterEach(async () => {
    for (const tab of tabs.splice(0)) if (!tab.page.isClosed()) expect(await tab.uncaught()).toEqual([]);
    await context.close();
    house.calmDown();
  });

  async function open(subject?: string, device: BrowserContext = context): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    const options = { task: rounds.taskId, ...who };
    const twin = await openTwin(house.app, house.world, await device.newPage(), options);
    tabs.push(twin);
    return twin;
  }

  it('in two tabs reports once, and both tell how it stands; when one goes, the other goes on', async () => {
    const first = await open();
    await first.makeReady();
    const second = await open(first.subject);
    await first.participate();
    await first.untilState({ round: 1, state: 'accepted', here: true });
    await second.participate();
    await second.untilState({ round: 1, state: 'accepted', here: false });
    expect(house.proxy.reports).toHaveLength(1);
    // What one tab takes in, the other tells too.
    const heard = second.call(
      (twin) => new Promise((resolve) => twin.on('recorded', ({ type, here }) => resolve({ type, here }))),
    );
    await first.record([{ ...history(1, 1)[0], id: 'more' }]);
    expect(await heard).toEqual({ type: 'attribute.set', here: false });

    // The tab that does the work goes in the middle of it.
    await first.tell({ kind: 'hold', at: 'training' });
    const ended = await rounds.endRound(1);
    expect(ended).toMatchObject({ status: 'sealed', count: 3 });
    expect(ended.sumHash).toBe(ended.sumWith(await second.untilReport(ended.rcHash)));
    await second.untilState({ round: 2, state: 'working', here: false });
    await first.page.close();
    await second.tell({ kind: 'release' });
    await second.untilState({ round: 2, state: 'accepted', here: true });
    expect(house.proxy.reports).toHaveLength(2);
    const next = await rounds.endRound(2);
    expect(next).toMatchObject({ status: 'sealed', count: 3 });
    expect(next.sumHash).toBe(next.sumWith(await second.untilReport(next.rcHash)));
  });

  it('withdrawn in one tab stops what another tab is working on', async () => {
    const worker = await open();
    await worker.makeReady();
    const other = await open(worker.subject);
    await worker.tell({ kind: 'hold', at: 'training' });
    await worker.participate();
    await worker.untilAt('training');
    expect(await other.call((twin) => twin.consent.withdraw())).toMatchObject({ changed: true });
    await worker.tell({ kind: 'release' });
    await worker.untilState({ round: 1, state: 'stays-home', reason: 'not-consented' });
    expect(house.proxy.reports).toEqual([]);
  });

  it('hears what others say of the person: the help desk takes back, another device says yes again', async () => {
    const first = await open();
    await first.makeReady();
    await first.participate();
    await first.untilState({ round: 1, state: 'accepted' });
    expect((await statusesOf(first)).has('given')).toBe(true);
    expect(await keptOn(first)).toHaveLength(2);
    const taken = untilHeard(first, 'withdraw');
    await withdrawAtHelpDesk(house.world, first.subject);
    // The set knew at once; the device hears of it before it looks at the next round.
    const ended = await rounds.endRound(1);
    expect(ended).toMatchObject({ count: 2, dropped: [{ reason: 'consent-withdrawn', count: 1 }] });
    expect(await taken).toEqual({ by: 'controller', logged: true });
    await first.untilState({ round: 2, state: 'stays-home', reason: 'not-consented' });
    expect([...(await statusesOf(first))]).toEqual(['withdrawn']);
    expect(await keptOn(first)).toEqual([]);
    expect(await first.record([{ ...history(1, 1)[0], id: 'late' }])).toMatchObject([
      { recorded: false, reason: 'not-consented' },
    ]);

    // Another device of the same person, which knows nothing yet: what it says apart lifts nothing.
    const device = await browser.newContext();
    try {
      const second = await open(first.subject, device);
      const granted = untilHeard(first, 'grant');
      const told = untilHeard(second, 'withdraw');
      await second.untilTask();
      await second.call((twin) => twin.consent.grant());
      expect(await told).toEqual({ by: 'controller', logged: true });
      expect((await statusesOf(second)).has('given')).toBe(false);
      // It has heard of the no by now, so this lifts it.
      await second.makeReady();
      await second.participate();
      await second.untilState({ round: 2, state: 'accepted' });
      const next = await rounds.endRound(2);
      expect(next).toMatchObject({ status: 'sealed', count: 3, dropped: [] });
      expect(next.sumHash).toBe(next.sumWith(await second.untilReport(next.rcHash)));
      // The first one follows with the next round. What it had kept is gone all the same.
      expect(await granted).toEqual({ by: 'subject', logged: true });
      await until('the first device knows', async () => (await statusesOf(first)).has('given'));
      expect(await keptOn(first)).toEqual([]);
      expect(await first.record([{ ...history(1, 1)[0], id: 'again' }])).toMatchObject([{ recorded: true }]);
      expect(await first.reports()).toBe(1);

      // An erasure here is a withdrawal there, and no more: the person may go on with the other device.
      await second.untilState({ round: 3, state: 'accepted' });
      expect(await first.call((twin) => twin.erase())).toEqual({ erased: true, withdrawn: true });
      expect(await rounds.endRound(3)).toMatchObject({
        dropped: [{ reason: 'consent-withdrawn', count: 1 }],
      });
      await second.untilState({ round: 4, state: 'stays-home', reason: 'not-consented' });
      expect(await second.call((twin) => twin.consent.grant())).toMatchObject({ changed: true });
      await until('it is allowed again', async () => (await statusesOf(second)).has('given'));
    } finally {
      await device.close();
    }
  });

  it('erased in one tab is gone in the other', async () => {
    const first = await open();
    await first.makeReady();
    const second = await open(first.subject);
    expect(await first.call((twin) => twin.erase())).toMatchObject({ erased: true });
    await second.untilStatus({ state: 'unavailable', reason: 'erased' });
    expect(await second.record(history(1, 1))).toMatchObject([{ reason: 'erased' }, { reason: 'erased' }]);
  });

  it('frozen by its browser lets another tab go on, and follows it when it wakes', async () => {
    const raw = await launchRawChromium();
    try {
      const [page, other] = [await raw.open(house.app.origin), await raw.open(house.app.origin)];
      const first = await startTwin(page.evaluate, house.world, { task: rounds.taskId });
      await first.makeReady();
      await first.participate();
      await first.untilState({ round: 1, state: 'accepted', here: true });
      const { subject } = first;
      const second = await startTwin(other.evaluate, house.world, { task: rounds.taskId, subject });
      await second.participate();
      await second.untilState({ round: 1, state: 'accepted', here: false });
      await page.evaluate(COUNT);
      await page.freeze();
      await rounds.endRound(1);
      await second.untilState({ round: 2, state: 'accepted', here: true });
      expect(await page.evaluate('document.visibilityState')).toBe('hidden');
      const stopped = await page.evaluate('ticks');
      const before = await second.call(() => performance.now());
      await until(
        'some time has passed',
        async () => (await second.call(() => performance.now())) > before + 500,
      );
      expect(await page.evaluate('ticks'), 'nothing runs in a frozen page').toBe(stopped);
      await page.thaw();
      await first.untilState({ round: 2, state: 'accepted', here: false });
      expect(house.proxy.reports).toHaveLength(2);
      const next = await rounds.endRound(2);
      expect(next.sumHash).toBe(next.sumWith(await second.untilReport(next.rcHash)));
      for (const twin of [first, second] satisfies TwinTab[]) expect(await twin.uncaught()).toEqual([]);
    } finally {
      await raw.close();
    }
  });
});

/** The next consent event of this type that the host app is told of and that is in the log. */
function untilHeard(twin: TwinTab, type: string): Promise<{ by: string; logged: boolean }> {
  return twin.call(
    (twin, type: string) =>
      new Promise<{ by: string; logged: boolean }>((resolve) =>
        twin.on('consent', ({ event, receipt }) => {
          if (event.event.type === type && receipt !== null) resolve({ by: event.event.by, logged: true });
        }),
      ),
    type,
  );
}

async function statusesOf(twin: TwinTab): Promise<Set<string>> {
  const answer = await twin.call((twin) => twin.consent.cells());
  if (!answer.available) throw new Error(answer.why);
  return new Set(answer.cells.map(({ status }) => status));
}

async function keptOn(twin: TwinTab): Promise<readonly object[]> {
  const copy = await twin.call((twin) => twin.export());
  if (!copy.available) throw new Error(copy.why);
  return copy.data.events;
}

/** By an officer, without any device of the person. */
async function withdrawAtHelpDesk({ url, folder }: World, subject: string): Promise<void> {
  const read = (name: string): Promise<string> => readFile(join(folder, 'officer', name), 'utf8');
  const key = await importSigningKey(
    JSON.parse(await read('key.json')) as Parameters<typeof importSigningKey>[0],
  );
  const credential = (await read('credential.jwt')).trim();
  const deps = { fetch, clock: Date.now, random: randomBytes };
  await createTransport({ ...deps, baseUrl: url, key, credential: () => credential }).request({
    method: 'POST',
    path: PATHS.subjectConsents(subject),
    auth: 'device',
    body: {
      mediaType: MEDIA.json,
      bytes: utf8ToBytes(JSON.stringify({ type: 'withdraw', evidence: [{ kind: 'ticket', value: 'T-1' }] })),
    },
    wanted: MEDIA.json,
  });
}

const COUNT = 'globalThis.ticks = 0; setInterval(() => globalThis.ticks++, 10); 0';
