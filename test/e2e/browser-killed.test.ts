/**
 * A browser that is killed (SIGKILL, all its processes) at each step until its report is accepted, and started again with the same profile:
 * what it had made is sent with the same bytes, or there was nothing; no sum ever holds a part of a report.
 */
import type { BrowserContext } from 'playwright-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { killBrowser } from '../support/browser-processes.ts';
import { launchChromiumProfile } from '../support/chromium.ts';
import type { HoldingPoint } from './support/bank-page.ts';
import { createHouse, type Begun, type House } from './support/house.ts';
import type { Loss } from './support/proxy.ts';
import { openTwin, until, type TwinInPage } from './support/twin-tab.ts';

interface Step {
  /** Where the twin is held up, */
  hold?: HoldingPoint;
  /** or what of its requests the network loses. */
  lose?: ['model' | 'report', Loss];
  /** A report is made and recorded by then, */
  made: boolean;
  /** and it is with the coordinator. */
  arrived: boolean;
}

const STEPS: Record<string, Step> = {
  'before it trains': { lose: ['model', 'before'], made: false, arrived: false },
  'while it trains': { hold: 'training', made: false, arrived: false },
  'with its report recorded and not sent': { hold: 'sending', made: true, arrived: false },
  'with half of its report sent': { lose: ['report', 'half'], made: true, arrived: false },
  'with its report accepted and the answer lost': { lose: ['report', 'after'], made: true, arrived: true },
  'as soon as its report is accepted': { made: true, arrived: true },
};

describe('a browser that is killed', { timeout: 300_000 }, () => {
  let house: House;
  let profile: string;
  let browser: BrowserContext;
  let rounds: Begun;
  let subject: string | undefined;

  beforeAll(async () => {
    house = await createHouse();
  });
  afterAll(() => house.stop());
  beforeEach(async () => {
    profile = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    browser = await launchChromiumProfile(profile);
    subject = undefined;
  });
  afterEach(async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    house.calmDown();
  });

  async function open(): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    const options = { task: rounds.taskId, ...who };
    const twin = await openTwin(house.app, house.world, await browser.newPage(), options);
    expect(twin.status).toEqual({ state: 'ready' });
    subject = twin.subject;
    return twin;
  }

  /** @returns what is in the report that was made until then */
  async function killAt({ hold, lose, made }: Step): Promise<Int32Array | null> {
    const { proxy } = house;
    const twin = await open();
    await twin.makeReady();
    if (hold !== undefined) await twin.tell({ kind: 'hold', at: hold });
    if (lose !== undefined) proxy.lose = ({ kind }) => (kind === lose[0] ? lose[1] : null);
    await twin.participate();
    if (hold !== undefined) await twin.untilAt(hold);
    else if (lose !== undefined) await until(`${lose.join()} is lost`, () => proxy.lost.length > 0);
    else await twin.untilState({ round: 1, state: 'accepted' });
    const report = made ? await twin.untilReport() : null;
    expect(await twin.reports()).toBe(made ? 1 : 0);
    await killBrowser(browser, profile);
    proxy.lose = null;
    return report;
  }

  async function startAgain(): Promise<TwinInPage> {
    browser = await launchChromiumProfile(profile);
    const twin = await open();
    await twin.participate();
    return twin;
  }

  it.each(Object.entries(STEPS))('%s goes on where it was', async (_, step) => {
    rounds = await house.begin(3);
    const report = await killAt(step);
    const twin = await startAgain();
    await twin.untilState({ round: 1, state: 'accepted' });
    expect(await twin.reports()).toBe(step.made ? 0 : 1);
    const sent = house.proxy.reports.map((bytes) => bytes.toString('base64'));
    expect(new Set(sent).size, 'whatever was sent was the same').toBe(1);
    const ended = await rounds.endRound(1);
    expect(ended).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    expect(ended.sumHash).toBe(ended.sumWith(report ?? (await twin.untilReport(ended.rcHash))));
    expect(await twin.uncaught()).toEqual([]);
  });

  it.each(Object.entries(STEPS))(
    '%s, and started when the round is over: is in the next',
    async (_, step) => {
      rounds = await house.begin(2);
      const report = await killAt(step);
      const [other] = rounds.others;
      const first = await rounds.endRound(1, step.arrived ? [other!] : rounds.others);
      expect(first).toMatchObject({ status: 'sealed', count: 2, twins: step.arrived ? 3 : 4 });
      expect(first.sumHash).toBe(first.sumWith(...(step.arrived ? [report!] : [])));

      const twin = await startAgain();
      await twin.untilState({ round: 2, state: 'accepted' });
      const kept = await twin.call((twin) => twin.export());
      if (!kept.available) throw new Error(kept.why);
      expect(kept.data.reports.map(({ round, outcome }) => [round, outcome === 'refused'])).toEqual([
        [2, false],
        ...(step.made ? [[1, !step.arrived]] : []),
      ]);
      const second = await rounds.endRound(2, [other!]);
      expect(second).toMatchObject({ status: 'sealed', count: 2, twins: 3 });
      expect(second.sumHash).toBe(second.sumWith(await twin.untilReport(second.rcHash)));
      expect(await twin.uncaught()).toEqual([]);
    },
  );
});
