/** Both pages in a real Chromium, before a real coordinator: what a visitor does there, by keyboard too, and on a small screen. */
import type { Browser, Locator } from 'playwright-core';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startStage, type Stage } from './support/stage.ts';
import { axe, overflow, tabTo, visit, type Visitor } from './support/visitor.ts';

const SMALL = { viewport: { width: 390, height: 844 } };
const LARGE = { viewport: { width: 1280, height: 900 } };
const SECONDS = 1_000;

let stage: Stage;
let browser: Browser;
let customer: Visitor;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startStage(), launchChromium()]);
}, 180 * SECONDS);
afterAll(async () => {
  await browser.close();
  await stage.stop();
});

const account = (): string => `${stage.pages.origin}/account/`;
const status = (): string => `${stage.pages.origin}/status/`;

test('before visitors may come, the customer page says so, and goes on by itself', async () => {
  customer = await visit(browser, account(), LARGE);
  await customer.page.getByText('The demo is not ready for visitors yet').waitFor();
  expect(await axe(customer.page)).toEqual([]);
  const early = await visit(browser, status(), LARGE);
  await early.page.getByRole('heading', { name: 'No task yet' }).waitFor();
  expect(await axe(early.page)).toEqual([]);
  await early.page.context().close();

  await stage.openToVisitors();
  await customer.page
    .getByRole('heading', { name: 'Your twin', exact: true })
    .waitFor({ timeout: 30 * SECONDS });
});

describe('the customer page', () => {
  const kind = (name: string): Locator => customer.page.getByRole('checkbox', { name, exact: true });
  const allowed = (): Promise<number> =>
    customer.page.locator('twinkeep-consent .row > .row-head :checked').count();

  test('has chosen nothing for the visitor, and refusing is as near as allowing', async () => {
    const { page } = customer;
    expect(await page.locator('twinkeep-consent .row').count()).toBe(7);
    expect(await allowed()).toBe(0);
    const sizes = await Promise.all(
      ['Refuse all', 'Accept chosen'].map((name) => page.getByRole('button', { name }).boundingBox()),
    );
    expect(sizes[0]?.width).toBe(sizes[1]?.width);
    expect(sizes[0]?.height).toBe(sizes[1]?.height);
    await page.getByText('No guess').waitFor();
  });

  test('what happens before a yes is not taken in, and that is said', async () => {
    const { page } = customer;
    await page.getByRole('button', { name: 'Have an outage of two hours' }).click();
    const line = page.locator('.feed li', { hasText: 'Outage of 120 minutes' });
    await line.waitFor();
    expect(await line.innerText()).toContain('not taken in');
  });

  test('by keyboard alone: three answers, a guess with its reasons, a signal that moves it', async () => {
    const { page } = customer;
    await page.locator('body').press('Home');
    for (const name of ['Bills and contract', 'How you use it', 'Help and faults']) {
      await tabTo(page, name);
      await page.keyboard.press('Space');
    }
    await tabTo(page, 'Accept chosen');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('twinkeep-consent [data-tone=yes]').count()).toBeGreaterThan(2);
    await page.locator('h1').evaluate((heading) => {
      heading.tabIndex = -1;
      heading.focus();
    });
    await page.locator('.probability').waitFor({ timeout: 20 * SECONDS });
    await page
      .locator('.bars li')
      .first()
      .waitFor({ timeout: 20 * SECONDS });
    const reasons = await page.locator('.bars li').allInnerTexts();
    expect(reasons.length).toBeGreaterThan(3);
    for (const reason of reasons) expect(reason).toMatch(/[+−]\d+\.\d/);

    await tabTo(page, 'Offers');
    await page.keyboard.press('Enter');
    await tabTo(page, 'two year');
    await page.keyboard.press('Space');
    await page.locator('.bars li', { hasText: 'Contract: two year' }).waitFor({ timeout: 20 * SECONDS });
    await page.locator('.feed li', { hasText: 'Contract: two year' }).getByText('taken in').waitFor();
    await page.locator('.moves details summary').click();
    await page.locator('.moves td', { hasText: 'Contract: two year' }).waitFor();
  });

  test('takes part in a live round with the region nodes', async () => {
    const { page } = customer;
    await page.getByRole('button', { name: 'Take part in rounds' }).click();
    const took = page.locator('.rounds tr', { hasText: 'took part' });
    await took.first().waitFor({ timeout: 60 * SECONDS });
    expect(await took.first().innerText()).toMatch(/[3-4] reports?, \d+ twins/);
  });

  test('every answer has its place in the log', async () => {
    const { page } = customer;
    await page.getByText('Receipts (1)').click();
    await expect
      .poll(() => page.getByText(/entry [\d,]+ of the public log/).count(), { timeout: 20_000 })
      .toBe(1);
  });

  test('a switch that is turned off takes back what was allowed: no guess, no part in rounds', async () => {
    const { page } = customer;
    await kind('Bills and contract').uncheck();
    await page.getByText('No guess').waitFor({ timeout: 20 * SECONDS });
    await page.locator('.feed li', { hasText: 'forgotten' }).waitFor();
    await page.locator('.stand.stays-home').waitFor({ timeout: 30 * SECONDS });
    expect(await page.locator('.stand').innerText()).toMatch(/not allowed/);
    await kind('Bills and contract').check();
    await page.getByRole('button', { name: 'Accept chosen' }).click();
    await page.locator('.probability').waitFor({ timeout: 20 * SECONDS });
  });

  test('a reload finds the twin as it was', async () => {
    const { page } = customer;
    await page.reload();
    await page.locator('.probability').waitFor({ timeout: 20 * SECONDS });
    await expect.poll(allowed).toBe(3);
  });

  test('exports everything that the twin keeps as a file', async () => {
    const { page } = customer;
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export everything' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^twin-\d{4}-\d\d-\d\d\.json$/);
    const data = JSON.parse(await readFile(await download.path(), 'utf8')) as Record<string, unknown[]>;
    expect(data).toMatchObject({ format: 'urn:twinkeep:twin-export:1' });
    expect(data['events']!.length).toBeGreaterThan(30);
    expect(data['consents']!.length).toBe(3);
  });

  test.each([
    ['1280 pixels, light', LARGE.viewport, 'light'],
    ['1280 pixels, dark', LARGE.viewport, 'dark'],
    ['390 pixels, light', SMALL.viewport, 'light'],
    ['390 pixels, dark', SMALL.viewport, 'dark'],
  ] as const)('has no violation that axe finds, and fits: %s', async (_, viewport, colorScheme) => {
    const { page } = customer;
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    for (const view of ['Home', 'Bills', 'Help', 'Offers']) {
      await page.getByRole('button', { name: view, exact: true }).click();
      expect(await axe(page), view).toEqual([]);
      expect(await overflow(page), view).toBe(0);
    }
  });

  test('asks before it erases, then nothing is left, and the visitor may start anew', async () => {
    const { page } = customer;
    await page.setViewportSize(LARGE.viewport);
    await page.getByRole('button', { name: 'Erase my twin' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Erase my twin' }).click();
    await dialog.getByRole('button', { name: 'Erase', exact: true }).click();
    await page.getByRole('heading', { name: 'Your twin is erased' }).waitFor({ timeout: 30 * SECONDS });
    expect(await page.getByText('stands in the public log').count()).toBe(1);
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Start anew as somebody else' }).click();
    await page.getByText('No guess').waitFor({ timeout: 30 * SECONDS });
    expect(await allowed()).toBe(0);
  });

  test('broke no rule of its policy, and sent to its own server and the coordinator alone', () => {
    expect(customer.complaints).toEqual([]);
    expect([...customer.origins].toSorted()).toEqual([stage.pages.origin, stage.world.url].toSorted());
  });
});

describe('the status page', () => {
  let watcher: Visitor;
  beforeAll(async () => {
    await stage.world.untilEnded(stage.task.taskId, 3, 60);
    watcher = await visit(browser, status(), LARGE);
    await watcher.page
      .locator('.chart canvas')
      .first()
      .waitFor({ timeout: 20 * SECONDS });
  });

  test('every plot has its table, with a row for each round that ended', async () => {
    const { page } = watcher;
    const ended = (await stage.world.results(stage.task.taskId)).length;
    const charts = page.locator('figure.chart');
    expect(await charts.count()).toBe(3);
    for (let i = 0; i < 3; i++) {
      expect(await charts.nth(i).locator('figcaption h2').count()).toBe(1);
      expect(await charts.nth(i).locator('.canvas').getAttribute('aria-hidden')).toBe('true');
      await charts.nth(i).locator('summary').click();
      const rows = await charts.nth(i).locator('tbody tr').count();
      expect(rows).toBeGreaterThan(0);
      expect(rows).toBeLessThanOrEqual(ended + 3);
    }
    const results = await stage.world.results(stage.task.taskId);
    const [first] = results.filter(({ evaluation }) => evaluation !== null);
    const row = charts.first().locator('tbody tr').last();
    expect(await row.innerText()).toContain(first!.evaluation!.auc!.toFixed(3));
    expect(await row.innerText()).toContain(String(first!.evaluation!.positives));
  });

  test('follows the rounds as they go', async () => {
    const { page } = watcher;
    const rounds = page.locator('.figure', { hasText: 'Rounds' }).locator('.value');
    const before = Number(await rounds.innerText());
    await expect
      .poll(async () => Number(await rounds.innerText()), { timeout: 40_000 })
      .toBeGreaterThan(before);
  });

  test('names the helpers and says who answered', async () => {
    const { page } = watcher;
    const rows = page.locator('.helpers tbody tr');
    expect(await rows.count()).toBe(4);
    for (const { j, operator } of stage.world.parties.trust.helpers)
      expect(await rows.nth(j - 1).innerText()).toMatch(
        new RegExp(`${j}\\s+${operator.replace(/[()]/g, '\\$&')}`),
      );
    expect(await page.locator('.helpers .chip.good').count()).toBeGreaterThanOrEqual(3);
  });

  test('the visitor’s own browser checks the log against what it saw before', async () => {
    const { page } = watcher;
    expect(await page.locator('.verdict').innerText()).toMatch(/for the first time/);
    await page.reload();
    await page
      .getByText(/still contains everything that this browser saw/)
      .waitFor({ timeout: 20 * SECONDS });

    // Somebody who was shown another log would be told.
    await page.evaluate(() => {
      const [key = ''] = Object.keys(localStorage);
      const seen = JSON.parse(localStorage.getItem(key) ?? '{}') as { note: string };
      localStorage.setItem('kept', JSON.stringify(seen));
    });
    await page.route('**/coordinator/v1/log/consistency*', (route) =>
      route.fulfill({ json: { from: 1, to: 2, proof: [] } }),
    );
    await page
      .getByRole('alert')
      .getByText(/Do not trust this log/)
      .waitFor({ timeout: 40 * SECONDS });
    expect(await axe(page)).toEqual([]);
    await page.unroute('**/coordinator/v1/log/consistency*');
    await page
      .getByText(/still contains everything that this browser saw/)
      .waitFor({ timeout: 20 * SECONDS });
  });

  test('says what its task protects, and what it does not', async () => {
    const { page } = watcher;
    await page.locator('.protected').getByText('differential privacy is off').first().waitFor();
    // One operator runs this house: little is held off from it.
    expect(await page.locator('.protected .chip.good').count()).toBeGreaterThan(0);
    expect(await page.locator('.protected .chip.bad').count()).toBeGreaterThan(1);
  });

  test.each([
    ['1280 pixels, light', LARGE.viewport, 'light'],
    ['1280 pixels, dark', LARGE.viewport, 'dark'],
    ['390 pixels, light', SMALL.viewport, 'light'],
    ['390 pixels, dark', SMALL.viewport, 'dark'],
  ] as const)('has no violation that axe finds, and fits: %s', async (_, viewport, colorScheme) => {
    const { page } = watcher;
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.locator('.chart canvas').first().waitFor();
    expect(await axe(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  test('by keyboard: the tables open and scroll, the other page is one link away', async () => {
    const { page } = watcher;
    await page.reload();
    const name = /^Table: Time per round, \d+ rows$/;
    await page.locator('.chart canvas').first().waitFor();
    const summary = (await page.locator('summary').allInnerTexts()).find((text) => name.test(text));
    expect(summary).toBeDefined();
    await tabTo(page, 'Customer page');
    await tabTo(page, 'Status');
    await tabTo(page, summary!);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Table: Time per round' }).waitFor();
  });

  test('a browser that cannot draw has the tables, and is told', async () => {
    const context = await browser.newContext({ ...LARGE, locale: 'en-GB' });
    const page = await context.newPage();
    await page.route('**/assets/plot-*.js', (route) => route.abort());
    await page.goto(status());
    await page
      .getByText('This browser cannot draw the plot')
      .first()
      .waitFor({ timeout: 20 * SECONDS });
    expect(await page.locator('figure.chart tbody tr').count()).toBeGreaterThan(3);
    await context.close();
  });

  test('when the coordinator is gone, it says so and goes on when it is back', async () => {
    const { page } = watcher;
    await stage.world.coordinator.kill('SIGKILL');
    await page.getByText('The coordinator does not answer at the moment').waitFor({ timeout: 30 * SECONDS });
    expect(await page.locator('figure.chart tbody tr').count()).toBeGreaterThan(3);
    await stage.world.coordinator.start();
    await page
      .getByText('The coordinator does not answer at the moment')
      .waitFor({ state: 'detached', timeout: 30 * SECONDS });
  });

  test('broke no rule of its policy, and sent to its own server alone', () => {
    // A read that is refused or fails is an error to the browser too; here the coordinator was killed.
    expect(watcher.complaints.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    expect([...watcher.origins]).toEqual([stage.pages.origin]);
  });
});
