/** A browser's storage that is full, cleared, private, forbidden or missing: what the twin says of it, and how the person gets out of it. */
import type { Recorded, Twin } from '@twinkeep/edge-client';
import type { Browser, BrowserContext, CDPSession } from 'playwright-core';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createHouse, type Begun, type House } from './support/house.ts';
import { history, openTwin, type TwinInPage } from './support/twin-tab.ts';
import { expectAnswers, expectErasable } from './support/without-storage.ts';

describe('a twin in Chromium', { timeout: 300_000 }, () => {
  let house: House;
  let rounds: Begun;

  beforeAll(async () => {
    house = await createHouse();
  });
  afterAll(() => house.stop());
  beforeEach(async () => {
    rounds = await house.begin(3, 3);
  });
  afterEach(() => house.calmDown());

  async function open(browser: BrowserContext, subject?: string, worker = ''): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    const options = { task: rounds.taskId, worker, ...who };
    return openTwin(house.app, house.world, await browser.newPage(), options);
  }

  async function takesPart(twin: TwinInPage): Promise<void> {
    await twin.participate();
    await twin.untilState({ round: 1, state: 'accepted' });
    const ended = await rounds.endRound(1, rounds.others.slice(1));
    expect(ended).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    expect(ended.sumHash).toBe(ended.sumWith(await twin.untilReport(ended.rcHash)));
  }

  describe('in a private window', () => {
    let browser: Browser;
    let context: BrowserContext;

    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser.close());
    beforeEach(async () => {
      context = await browser.newContext();
    });
    afterEach(() => context.close());

    it('lives as long as the window; in the next one it is another device of the same person', async () => {
      const twin = await open(context);
      await twin.makeReady();
      await takesPart(twin);
      const key = await twin.call(({ deviceKey }) => deviceKey);
      await context.close();
      context = await browser.newContext();
      const again = await open(context, twin.subject);
      expect(again.status).toEqual({ state: 'ready' });
      expect(await again.call(({ deviceKey }) => deviceKey)).not.toBe(key);
      await again.makeReady();
      await again.participate();
      await again.untilState({ round: 2, state: 'accepted' });
      // It has read what the first one had said.
      const signers = await again.call(async (twin) => {
        const answer = await twin.consent.receipts();
        const receipts = answer.available ? answer.receipts : [];
        return new Set(receipts.map(({ jws }) => jws.split('.')[0])).size;
      });
      expect(signers).toBe(2);
      expect(await again.uncaught()).toEqual([]);
    });

    it('without IndexedDB says that it cannot live here, and so does every call', async () => {
      const twin = await open(context, undefined, 'without-storage');
      expect(twin.status).toMatchObject({
        state: 'unavailable',
        reason: 'no-storage',
        why: 'This browser keeps nothing for this page, for example in a private window, so the twin cannot live here.',
      });
      await expectAnswers(twin, 'no-storage');
    });

    it('in a sandboxed frame, which has neither storage nor workers, says so', async () => {
      const page = await context.newPage();
      await page.goto(`${house.app.origin}/sandboxed`);
      const twin = await openTwin(house.app, house.world, page, { task: rounds.taskId });
      expect(twin.status).toMatchObject({
        state: 'unavailable',
        reason: 'worker-lost',
        why: 'The part of the page in which the twin lives did not start or has ended; reload the page.',
      });
      await expectAnswers(twin, 'worker-lost');
    });

    it('whose site data is cleared while it lives ends, says so, and starts anew', async () => {
      const twin = await open(context);
      await twin.makeReady();
      const session = await context.newCDPSession(twin.page);
      await session.send('Storage.clearDataForOrigin', { origin: house.app.origin, storageTypes: 'all' });
      await twin.untilStatus({ state: 'unavailable', reason: 'storage-lost' });
      await expectAnswers(twin, 'storage-lost');
      await expectErasable(twin, house, context, rounds.taskId);
    });
  });

  describe('with its quota used up', () => {
    let browser: Browser;
    let context: BrowserContext;
    let twin: TwinInPage;
    let session: CDPSession;

    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser.close());
    beforeEach(async () => {
      context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(house.app.origin);
      session = await context.newCDPSession(page);
      // Before the store is opened: Chromium remembers for a while how much room there was.
      await limit(QUOTA);
      twin = await openTwin(house.app, house.world, page, { task: rounds.taskId });
      await twin.makeReady();
      let last: Recorded | undefined;
      for (let i = 0; last?.recorded !== false && i < 1_000; i++) [last] = await twin.record([large()]);
      expect(last).toMatchObject({ recorded: false, ...FULL });
    });
    afterEach(async () => {
      expect(await twin.uncaught()).toEqual([]);
      await context.close();
    });

    const QUOTA = 400_000;
    const FULL = { reason: 'storage-full', why: 'The browser has no room left, so nothing new can be kept.' };

    /** Holds for as long as the session does. */
    async function limit(quotaSize: number | null): Promise<void> {
      const { origin } = house.app;
      await session.send(
        'Storage.overrideQuotaForOrigin',
        quotaSize === null ? { origin } : { origin, quotaSize },
      );
    }

    function large(): object {
      const words = Array.from({ length: 20 }, (_, i) => [`word-${i}`, 'x'.repeat(150)]);
      return { ...history(1, 1)[0], id: randomUUID(), type: 'note.written', data: Object.fromEntries(words) };
    }

    it('keeps what it has, sends no report that it could not keep, and says so; with room it goes on', async () => {
      await twin.participate();
      expect(await twin.untilState({ reason: 'storage-full' })).toMatchObject({ state: 'waiting', ...FULL });
      expect(house.proxy.reports).toEqual([]);
      expect(await twin.call((twin) => twin.status())).toEqual({ state: 'ready' });
      const { modelOut } = await rounds.endRound(1);
      await twin.untilState({ round: 1, state: 'ended' });
      const predict = (twin: Twin, task: string): ReturnType<Twin['predict']> => twin.predict(task);
      expect(await twin.call(predict, rounds.taskId)).toMatchObject({
        predicted: true,
        prediction: { model: { hash: modelOut } },
      });
      await twin.untilState({ round: 2, reason: 'storage-full' });
      await limit(null);
      expect(await twin.record([large()])).toEqual([{ recorded: true, fresh: true }]);
      await twin.untilState({ round: 2, state: 'accepted' });
    });

    it('says that it can keep no word either, and can be erased: the withdrawal is logged, the storage empty', async () => {
      expect(await twin.call((twin) => twin.consent.withdraw())).toMatchObject({ changed: false, ...FULL });
      expect(await twin.call((twin) => twin.erase())).toEqual({ erased: true, withdrawn: true });
      expect(await twin.page.evaluate('navigator.storageBuckets.keys()')).toEqual([]);
    });
  });
});
