/** Tabs that are opened twice, reloaded, killed, put to sleep, cut off and set to a wrong clock, in a real Chromium. */
import type { Browser, BrowserContext } from 'playwright-core';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearSumHash } from '../faults/clear-sum.ts';
import { launchChromium } from '../support/chromium.ts';
import { createWorld, randomSubjects, smallTask, type Reporter, type World } from '../support/world.ts';
import { history, openTwin, startBankApp, type BankApp, type TwinInPage } from './support/app.ts';
import { startManInTheMiddle, type ManInTheMiddle } from './support/proxy.ts';

const DAY = 86_400_000;

describe('a twin in Chromium', () => {
  let app: BankApp;
  let world: World;
  let proxy: ManInTheMiddle;
  let browser: Browser;
  let context: BrowserContext;
  let tasks = 0;
  let taskId: string;
  let reporters: Reporter[];

  beforeAll(async () => {
    app = await startBankApp();
    proxy = await startManInTheMiddle();
    world = await createWorld(
      2,
      (port) => {
        proxy.target = port;
        return proxy.url;
      },
      [app.origin],
    );
    app.serve(world);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
    await app.stop();
    proxy.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    proxy.reports = [];
    reporters = [];
  });
  afterEach(async () => {
    proxy.lose = null;
    proxy.tamper = null;
    for (const { process } of reporters) process.kill('SIGKILL');
    await context.close();
  });

  /** A task whose rounds close at so many reports, and two reporters for it. */
  async function begin(nTarget: number): Promise<void> {
    const task = smallTask(`tabs-${tasks++}`, {
      evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0 },
      floors: { nMin: 2, nTarget, minTwins: 2, maxTwins: 1000 },
      windows: { collect: 20_000, ack: 6_000, reveal: 8_000 },
    });
    taskId = task.taskId;
    await world.publish(task);
    reporters = await Promise.all([0, 1].map((i) => world.startReporter(i, randomSubjects(2), task)));
  }

  /** A consenting twin with something to learn from. */
  async function open(worker = ''): Promise<TwinInPage> {
    const twin = await openTwin(app, world, await context.newPage(), { task: taskId, worker });
    await twin.call((twin) => twin.consent.grant());
    await twin.record(history(9, 1));
    return twin;
  }

  async function again(twin: TwinInPage, worker = ''): Promise<TwinInPage> {
    return openTwin(app, world, await context.newPage(), { task: taskId, subject: twin.subject, worker });
  }

  async function endRound(
    round: number,
  ): Promise<{ count: number; sumHash: string | null; others: Int32Array[] }> {
    const vectors = await Promise.all(reporters.map((reporter) => reporter.quantized(round)));
    for (const reporter of reporters) reporter.upload(round);
    const { count, sumHash } = (await world.untilEnded(taskId, round, 40))[round - 1]!;
    return { count, sumHash, others: vectors.map(({ values }) => values) };
  }

  it('in two tabs reports once, and both tell how it stands', async () => {
    await begin(3);
    const first = await open();
    const second = await again(first);
    await first.call((twin) => void twin.participate());
    await second.call((twin) => void twin.participate());
    expect(await first.untilState({ round: 1, state: 'accepted' })).toMatchObject({ here: true });
    expect(await second.untilState({ round: 1, state: 'accepted' })).toMatchObject({ here: false });
    expect(proxy.reports).toHaveLength(1);
    // What one tab takes in, the other tells too.
    const heard = second.call(
      (twin) => new Promise((resolve) => twin.on('recorded', ({ type, here }) => resolve({ type, here }))),
    );
    await first.record([{ ...history(1, 1)[0], id: 'more' }]);
    expect(await heard).toEqual({ type: 'attribute.set', here: false });
    const { count, sumHash, others } = await endRound(1);
    expect(count).toBe(3);
    expect(sumHash).toBe(clearSumHash([...others, ...(await first.clear())]));

    // The tab that does the work goes; the other goes on.
    await first.page.close();
    expect(await second.untilState({ round: 2, state: 'accepted' }, 30)).toMatchObject({ here: true });
    expect(proxy.reports).toHaveLength(2);
  });

  it('reloaded in the middle of training leaves nothing half done, and reports once afterwards', async () => {
    await begin(3);
    const twin = await open('hold=true');
    await twin.call((twin) => void twin.participate());
    await twin.page.waitForFunction(() => globalThis.bank.trainings > 0);
    expect(await twin.untilState({ round: 1, state: 'working' })).toMatchObject({ here: true });
    await twin.page.reload();
    await pause(500);
    expect(proxy.reports).toEqual([]);
    const reloaded = await openTwin(app, world, twin.page, { task: taskId, subject: twin.subject });
    await reloaded.call((twin) => void twin.participate());
    await reloaded.untilState({ round: 1, state: 'accepted' });
    const { count, sumHash, others } = await endRound(1);
    expect(count).toBe(3);
    expect(sumHash).toBe(clearSumHash([...others, ...(await reloaded.clear())]));
  });

  it('killed while its report is on its way sends the very same bytes again', async () => {
    await begin(3);
    const twin = await open();
    proxy.lose = ({ method, url }) => (method === 'PUT' && url.includes('/reports/') ? 'after' : null);
    await twin.call((twin) => void twin.participate());
    await twin.untilState({ round: 1, state: 'sending' });
    for (let i = 0; proxy.reports.length === 0 && i < 200; i++) await pause(20);
    const clear = await twin.clear();
    await twin.page.close();
    proxy.lose = null;
    const sent = proxy.reports.length;
    const reopened = await again(twin);
    await reopened.call((twin) => void twin.participate());
    await reopened.untilState({ round: 1, state: 'accepted' });
    expect(proxy.reports.length).toBe(sent + 1);
    expect(new Set(proxy.reports.map((report) => report.toString('base64'))).size).toBe(1);
    const { count, sumHash, others } = await endRound(1);
    expect(count).toBe(3);
    expect(sumHash).toBe(clearSumHash([...others, clear[0] as Int32Array]));
  });

  it('keeps the thread of the page free: no task of it takes 8 ms, whatever the twin does', async () => {
    await begin(3);
    const twin = await open();
    await browser.startTracing(twin.page, { categories: ['toplevel', 'devtools.timeline'] });
    // In the page, so that what the test sends there does not count.
    await twin.call(
      (twin, event: object) =>
        new Promise<void>((resolve) => {
          const recordMany = async (): Promise<void> => {
            const data = Object.fromEntries(
              Array.from({ length: 20 }, (_, i) => [`word-${i}`, 'x'.repeat(100)]),
            );
            for (let i = 0; i < 200; i++) await twin.record({ ...event, id: `many-${i}`, data });
            resolve();
          };
          setTimeout(() => void recordMany());
        }),
      history(1, 1)[0],
    );
    await twin.call((twin) => void twin.participate());
    await twin.untilState({ round: 1, state: 'accepted' });
    expect(await twin.call((twin, task: string) => twin.explain(task), taskId)).toMatchObject({
      explained: true,
    });
    await twin.call((twin) => twin.consent.withdraw());
    const tasks = mainThreadTasks(await browser.stopTracing());
    expect(tasks.length).toBeGreaterThan(200);
    expect(tasks[0]).toBeLessThan(8);
  });

  it('offline for a round says so, and is there in the next', async () => {
    await begin(2);
    const twin = await open();
    await context.setOffline(true);
    await twin.call((twin) => void twin.participate());
    expect(await twin.untilState({ state: 'waiting', reason: 'offline' })).toMatchObject({
      why: 'The device is offline; the twin waits.',
    });
    expect(await twin.record([{ ...history(3, 1)[0], id: 'offline' }])).toEqual([
      { recorded: true, fresh: true },
    ]);
    expect((await endRound(1)).count).toBe(2);
    await context.setOffline(false);
    await twin.untilState({ round: 2, state: 'accepted' });
    reporters[0]!.upload(2);
    expect((await world.untilEnded(taskId, 2, 30))[1]).toMatchObject({
      status: 'sealed',
      count: 2,
      twins: 3,
    });
  });

  it('with a clock that is a day behind stays home and says why, and comes along once it is right', async () => {
    await begin(3);
    const twin = await open();
    await twin.tell({ kind: 'clock', error: -DAY });
    await twin.call((twin) => void twin.participate());
    expect(await twin.untilState({ state: 'stays-home' })).toMatchObject({
      reason: 'clock-mismatch',
      why: 'By the clock of this device, the round is not open.',
    });
    expect(proxy.reports).toEqual([]);
    await twin.tell({ kind: 'clock', error: 0 });
    await twin.untilState({ reason: 'clock-jumped' });
    await twin.untilState({ round: 1, state: 'accepted' });
  });

  it('told that it is frozen lets another tab go on, and follows it when it wakes', async () => {
    await begin(3);
    const first = await open();
    await first.call((twin) => void twin.participate());
    await first.untilState({ round: 1, state: 'accepted', here: true });
    const second = await again(first);
    await second.call((twin) => void twin.participate());
    await second.untilState({ round: 1, state: 'accepted', here: false });
    // Without a screen a page is never hidden, and so never frozen: here it is only told so.
    await first.page.evaluate(`document.dispatchEvent(new Event('freeze'))`);
    await endRound(1);
    expect(await second.untilState({ round: 2, state: 'accepted' })).toMatchObject({ here: true });
    await first.page.evaluate(`document.dispatchEvent(new Event('resume'))`);
    expect(await first.untilState({ round: 2, state: 'accepted' })).toMatchObject({ here: false });
    expect(proxy.reports).toHaveLength(2);
  });

  it('withdrawn in one tab stops what another tab is working on', async () => {
    await begin(2);
    const worker = await open('hold=true');
    const other = await again(worker);
    await worker.call((twin) => void twin.participate());
    await worker.page.waitForFunction(() => globalThis.bank.trainings > 0);
    await other.call((twin) => twin.consent.withdraw());
    await worker.tell({ kind: 'hold', held: false });
    expect(await worker.untilState({ state: 'stays-home' })).toMatchObject({ reason: 'not-consented' });
    await pause(500);
    expect(proxy.reports).toEqual([]);
    expect((await endRound(1)).count).toBe(2);
  });

  it('erased in one tab is gone in the other', async () => {
    await begin(3);
    const first = await open();
    const second = await again(first);
    expect(await first.call((twin) => twin.erase())).toEqual({ erased: true, withdrawn: true });
    await second.page.waitForFunction(() => globalThis.bank.twin.status().state === 'unavailable');
    expect(await second.call((twin) => twin.status())).toMatchObject({ reason: 'erased' });
    expect(await second.record(history(1, 1))).toMatchObject([{ reason: 'erased' }, { reason: 'erased' }]);
  });
});

/** Milliseconds of processor time of each task of the page's own thread, longest first. */
function mainThreadTasks(trace: Buffer): number[] {
  interface TraceEvent {
    name: string;
    pid: number;
    tid: number;
    tdur?: number;
    args?: { name?: string };
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const threads = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  );
  const isMain = ({ pid, tid }: TraceEvent): boolean =>
    threads.some((thread) => thread.pid === pid && thread.tid === tid);
  return traceEvents
    .filter((event) => isMain(event) && event.name.endsWith('RunTask'))
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a);
}
