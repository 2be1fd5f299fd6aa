/** What every test of a storage that fails the twin looks at. */
import type { BrowserContext } from 'playwright-core';
import { expect } from 'vitest';
import type { House } from './house.ts';
import { history, openTwin, type TwinInPage } from './twin-tab.ts';

/** Whatever is called answers with this reason and does nothing; nothing throws. */
export async function expectAnswers(twin: TwinInPage, reason: string): Promise<void> {
  const no = { reason };
  expect(await twin.record(history(9, 1))).toMatchObject([no, no]);
  const answers = await twin.call(async ({ consent, predict, explain, export: copy }) => [
    await consent.grant(),
    await consent.refuse(),
    await consent.withdraw(),
    await consent.cells(),
    await consent.receipts(),
    await predict('any'),
    await explain('any'),
    await copy(),
  ]);
  expect(answers).toMatchObject(answers.map(() => no));
  await twin.participate();
  expect(await twin.reports()).toBe(0);
  expect(await twin.uncaught()).toEqual([]);
}

/** It can be cleared away; and who begins anew, with a new pseudonym, takes part. */
export async function expectErasable(
  twin: TwinInPage,
  { app, world }: House,
  browser: BrowserContext,
  task: string,
): Promise<void> {
  expect(await twin.call((twin) => twin.erase())).toMatchObject({ erased: true });
  expect(await twin.uncaught()).toEqual([]);
  await twin.page.close();
  const anew = await openTwin(app, world, await browser.newPage(), { task });
  expect(anew.status).toEqual({ state: 'ready' });
  await anew.makeReady();
  await anew.participate();
  await anew.untilState({ state: 'accepted' });
  expect(await anew.uncaught()).toEqual([]);
}
