/** A person's twin in a real Chromium, in one round with other clients, against real processes. */
import { clearSumHash } from '../faults/clear-sum.ts';
import { launchChromium } from '../support/chromium.ts';
import { createWorld, randomSubjects, smallTask, type World } from '../support/world.ts';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { history, openTwin, startBankApp, type BankApp, type TwinInPage } from './support/app.ts';

const task = smallTask('browser-round', {
  evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0 },
  floors: { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1000 },
  windows: { collect: 30_000, ack: 6_000, reveal: 8_000 },
});

describe('a twin in Chromium', () => {
  let app: BankApp;
  let world: World;
  let browser: Browser;
  let twin: TwinInPage;

  beforeAll(async () => {
    app = await startBankApp();
    world = await createWorld(2, undefined, [app.origin]);
    app.serve(world);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
    await app.stop();
  });

  it('starts, and records nothing before it may', async () => {
    twin = await openTwin(app, world, await browser.newPage(), { task: task.taskId });
    twin.page.on('console', (m) => console.log('CONSOLE', m.text()));
    await new Promise((r) => setTimeout(r, 3000));
    console.log(await twin.states(), await twin.page.evaluate(() => globalThis.bank.problems));
    expect(twin.status).toEqual({ state: 'ready' });
    expect(await twin.record(history(9, 1))).toMatchObject([
      { recorded: false, reason: 'not-consented' },
      { recorded: false, reason: 'not-consented' },
    ]);
  });

  it('takes part in a round whose opened sum is exactly the sum of the clear numbers', async () => {
    expect(await twin.call((twin) => twin.consent.grant())).toMatchObject({ changed: true });
    expect(await twin.record(history(9, 1))).toEqual([
      { recorded: true, fresh: true },
      { recorded: true, fresh: true },
    ]);
    const reporters = await Promise.all([0, 1].map((i) => world.startReporter(i, randomSubjects(2), task)));
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(1)));
    await twin.call((twin) => void twin.participate());
    await twin.untilState({ round: 1, state: 'accepted' });
    for (const reporter of reporters) reporter.upload(1);
    const [first] = await world.untilEnded(task.taskId, 1, 30);
    expect(first).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    const own = await twin.clear();
    expect(own).toHaveLength(1);
    expect(first?.sumHash).toBe(clearSumHash([...vectors.map(({ values }) => values), ...own]));
    expect((await twin.untilState({ round: 1, state: 'ended' })).result).toMatchObject({ reported: true });
  });

  it('predicts and explains', async () => {
    const predicted = await twin.call((twin) => twin.predict('browser-round'));
    console.log(JSON.stringify(predicted));
    console.log(JSON.stringify(await twin.call((twin) => twin.explain('browser-round'))));
  });
});
