/** Pages that are reloaded, cut off, put to sleep and set to a wrong clock, in a real Chromium: what the person is told, and that it goes on. */
import type { BrowserContext } from 'playwright-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signalBrowser } from '../support/browser-processes.ts';
import { launchChromiumProfile } from '../support/chromium.ts';
import { createHouse, type Begun, type House } from './support/house.ts';
import { launchRawChromium } from './support/raw-chromium.ts';
import { history, openTwin, startTwin, type TwinInPage } from './support/twin-tab.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('a twin in Chromium', { timeout: 300_000 }, () => {
  let house: House;
  let profile: string;
  let browser: BrowserContext;
  let rounds: Begun;
  let twin: TwinInPage;

  beforeAll(async () => {
    house = await createHouse();
  });
  afterAll(() => house.stop());
  beforeEach(async () => {
    profile = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    browser = await launchChromiumProfile(profile);
  });
  afterEach(async () => {
    if (!twin.page.isClosed()) expect(await twin.uncaught()).toEqual([]);
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    house.calmDown();
  });

  async function open(subject?: string): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    const [page = await browser.newPage()] = browser.pages();
    return openTwin(house.app, house.world, page, { task: rounds.taskId, ...who });
  }

  it('reloaded in the middle of training leaves nothing half done, and reports once afterwards', async () => {
    rounds = await house.begin(3);
    twin = await open();
    await twin.makeReady();
    await twin.tell({ kind: 'hold', at: 'training' });
    await twin.participate();
    await twin.untilAt('training');
    await twin.untilState({ round: 1, state: 'working', here: true });
    await twin.page.reload();
    expect(house.proxy.reports).toEqual([]);
    twin = await open(twin.subject);
    await twin.participate();
    await twin.untilState({ round: 1, state: 'accepted' });
    expect(house.proxy.reports).toHaveLength(1);
    const ended = await rounds.endRound(1);
    expect(ended).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    expect(ended.sumHash).toBe(ended.sumWith(await twin.untilReport(ended.rcHash)));
  });

  it('offline for a round says so, takes signals in, and is there in the next', async () => {
    rounds = await house.begin(2);
    twin = await open();
    await twin.makeReady();
    await browser.setOffline(true);
    await twin.participate();
    expect(await twin.untilState({ state: 'waiting', reason: 'offline' })).toMatchObject({
      why: 'The device is offline; the twin waits.',
    });
    expect(await twin.record([{ ...history(3, 1)[0], id: 'offline' }])).toEqual([
      { recorded: true, fresh: true },
    ]);
    const first = await rounds.endRound(1);
    expect(first).toMatchObject({ status: 'sealed', count: 2, twins: 4 });
    expect(first.sumHash).toBe(first.sumWith());
    await browser.setOffline(false);
    await isInTheNextRound();
  });

  it('with a clock that is a day behind stays home and says why, and comes along once it is right', async () => {
    rounds = await house.begin(3);
    twin = await open();
    await twin.makeReady();
    await twin.tell({ kind: 'clock', error: -DAY });
    await twin.participate();
    expect(await twin.untilState({ state: 'stays-home' })).toMatchObject({
      reason: 'clock-mismatch',
      why: 'By the clock of this device, the round is not open.',
    });
    expect(house.proxy.reports).toEqual([]);
    await twin.tell({ kind: 'clock', error: 0 });
    await twin.untilState({ reason: 'clock-jumped' });
    await twin.untilState({ round: 1, state: 'accepted' });
    const ended = await rounds.endRound(1);
    expect(ended).toMatchObject({ status: 'sealed', count: 3 });
    expect(ended.sumHash).toBe(ended.sumWith(await twin.untilReport(ended.rcHash)));
  });

  /**
   * All processes of the browser are stopped (SIGSTOP) in the middle of training, as by a closed lid, for three seconds, in which the round
   * ends without this twin. That it was ten minutes is what its clocks say when it wakes: as on most devices, the monotonic one stood
   * still meanwhile. Connections are those from before.
   */
  it('on a device that sleeps for ten minutes says so when it wakes, and is in the next round', async () => {
    rounds = await house.begin(2);
    twin = await open();
    await twin.makeReady();
    await twin.tell({ kind: 'hold', at: 'training' });
    await twin.participate();
    await twin.untilAt('training');
    await signalBrowser(profile, 'SIGSTOP');
    const first = await rounds.endRound(1);
    await pause(3_000);
    await signalBrowser(profile, 'SIGCONT');
    expect(first).toMatchObject({ status: 'sealed', count: 2, twins: 4 });
    expect(first.sumHash).toBe(first.sumWith());
    await twin.tell({ kind: 'slept', millis: 10 * MINUTE });
    await twin.tell({ kind: 'release' });
    expect(await twin.untilState({ reason: 'clock-jumped' })).toMatchObject({
      state: 'waiting',
      why: 'The clock of this device was changed or the device slept; the twin looks again.',
    });
    await isInTheNextRound();
  });

  /** As a browser does with a tab that is put aside: page and worker stop, for two seconds; ten minutes as above. */
  it('frozen by its browser for ten minutes goes on when it wakes, in the next round', async () => {
    const raw = await launchRawChromium();
    try {
      rounds = await house.begin(2);
      const page = await raw.open(house.app.origin);
      const frozen = await startTwin(page.evaluate, house.world, { task: rounds.taskId });
      await frozen.makeReady();
      await frozen.tell({ kind: 'hold', at: 'training' });
      await frozen.participate();
      await frozen.untilAt('training');
      await page.freeze();
      const first = await rounds.endRound(1);
      expect(first.sumHash).toBe(first.sumWith());
      await pause(2_000);
      await page.thaw();
      await frozen.tell({ kind: 'slept', millis: 10 * MINUTE });
      await frozen.tell({ kind: 'release' });
      await frozen.untilState({ round: 2, state: 'accepted' });
      const second = await rounds.endRound(2, rounds.others.slice(0, 1));
      expect(second).toMatchObject({ status: 'sealed', count: 2, twins: 3 });
      expect(second.sumHash).toBe(second.sumWith(await frozen.untilReport(second.rcHash)));
      expect(await frozen.uncaught()).toEqual([]);
    } finally {
      await raw.close();
    }
  });

  async function isInTheNextRound(): Promise<void> {
    await twin.untilState({ round: 2, state: 'accepted' });
    const second = await rounds.endRound(2, rounds.others.slice(0, 1));
    expect(second).toMatchObject({ status: 'sealed', count: 2, twins: 3 });
    expect(second.sumHash).toBe(second.sumWith(await twin.untilReport(second.rcHash)));
  }
});
