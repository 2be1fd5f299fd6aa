/** Two tabs of one visitor: one twin, and each tab shows what the other did. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startStage, type Stage } from './support/stage.ts';
import { axe } from './support/visitor.ts';

const SECONDS = 1_000;

let stage: Stage;
let browser: Browser;
let context: BrowserContext;
let one: Page;
let other: Page;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startStage(), launchChromium()]);
  await stage.openToVisitors();
  context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } });
  [one, other] = [await open(), await open()];
}, 180 * SECONDS);
afterAll(async () => {
  await browser.close();
  await stage.stop();
});

async function open(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${stage.pages.origin}/account/`);
  await page.getByRole('heading', { name: 'Its guess' }).waitFor({ timeout: 60 * SECONDS });
  return page;
}

const guessOf = async (page: Page): Promise<string> =>
  (await page.locator('.probability').innerText()).split('\n')[0] ?? '';

async function agree(): Promise<void> {
  await expect
    .poll(async () => (await guessOf(one)) === (await guessOf(other)), { timeout: 20 * SECONDS })
    .toBe(true);
}

test('an answer in one tab counts in the other', async () => {
  await one.getByRole('checkbox', { name: 'Choose all 7' }).check();
  await one.getByRole('checkbox', { name: /^I explicitly agree/ }).check();
  await one.getByRole('button', { name: 'Accept chosen' }).click();
  await one.locator('.probability').waitFor({ timeout: 20 * SECONDS });
  await other.locator('.probability').waitFor({ timeout: 20 * SECONDS });
  const handedOver = other.locator('.feed li', { hasText: 'allowed in another tab' });
  await handedOver.first().waitFor({ timeout: 20 * SECONDS });
  await agree();
});

test('what happens in one tab is taken in once, and shown in both', async () => {
  await other.getByRole('button', { name: 'Have an outage of two hours' }).click();
  await one
    .locator('.feed li', { hasText: 'Outage of 120 minutes, in another tab' })
    .waitFor({ timeout: 20 * SECONDS });
  await agree();
});

test('a category that is withdrawn in one tab is forgotten in both', async () => {
  await one.getByRole('checkbox', { name: 'Your interests', exact: true }).uncheck();
  await other.locator('.feed li', { hasText: 'Everything of this kind' }).waitFor({ timeout: 20 * SECONDS });
  await agree();
});

test('both show the one report of a round', async () => {
  for (const page of [one, other]) await page.getByRole('button', { name: 'Take part in rounds' }).click();
  const took = (page: Page) => page.locator('.rounds tr', { hasText: 'took part' }).first();
  for (const page of [one, other]) await took(page).waitFor({ timeout: 60 * SECONDS });
  // Three region nodes and this one visitor, however many tabs.
  const most = async (): Promise<number> =>
    Math.max(...(await stage.world.results(stage.task.taskId)).map(({ count }) => count));
  await expect.poll(most, { timeout: 60 * SECONDS }).toBeGreaterThanOrEqual(4);
  expect(await most()).toBe(4);
});

test('an erasure in one tab is the end in the other', async () => {
  await one.getByRole('button', { name: 'Erase my twin' }).click();
  await one.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click();
  await one.getByRole('heading', { name: 'Your twin is erased' }).waitFor({ timeout: 30 * SECONDS });
  await other
    .getByRole('alert')
    .getByText('The twin was erased.')
    .waitFor({ timeout: 20 * SECONDS });
  expect(await other.locator('.probability').count()).toBe(0);
  expect(await axe(other)).toEqual([]);
  await other.getByRole('button', { name: 'Start anew as somebody else' }).click();
  await other.getByText('No guess').waitFor({ timeout: 30 * SECONDS });
});
