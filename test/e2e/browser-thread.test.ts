/** The thread of the page belongs to the host app: whatever the twin does, it takes no 8 ms of it at a time. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createHouse, type House } from './support/house.ts';
import { history, openTwin } from './support/twin-tab.ts';

describe('a twin in Chromium', { timeout: 300_000 }, () => {
  let house: House;
  let browser: Browser;

  beforeAll(async () => {
    house = await createHouse();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  it('keeps the thread of the page free: no task of it takes 8 ms, whatever the twin does', async () => {
    const { taskId } = await house.begin(3, 0);
    const page = await browser.newPage();
    const twin = await openTwin(house.app, house.world, page, { task: taskId });
    await twin.makeReady();
    await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
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
    await twin.participate();
    await twin.untilState({ round: 1, state: 'accepted' });
    expect(await twin.call((twin, task: string) => twin.explain(task), taskId)).toMatchObject({
      explained: true,
    });
    await twin.call((twin) => twin.consent.withdraw());
    const tasks = mainThreadTasks(await browser.stopTracing());
    expect(tasks.length).toBeGreaterThan(200);
    expect(tasks[0]).toBeLessThan(8);
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
