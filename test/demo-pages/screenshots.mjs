/**
 * Takes the pictures of the README from a running demo, with a visitor who has been there for some rounds:
 *
 *   npm start, and after some rounds:  node test/demo-pages/screenshots.mjs http://127.0.0.1:4780 docs
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runnerImport } from 'vite';

const [origin = 'http://127.0.0.1:4780', folder = 'docs'] = process.argv.slice(2);
const ROUNDS = 6;

const { module } = await runnerImport(resolve(import.meta.dirname, '../support/chromium.ts'));
const browser = await module.launchChromium();
await mkdir(folder, { recursive: true });
const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 960 } });

const customer = await context.newPage();
await customer.goto(`${origin}/account/`);
await customer.getByRole('checkbox', { name: 'Choose all 7' }).check({ timeout: 60_000 });
await customer.getByRole('checkbox', { name: /^I explicitly agree/ }).check();
await customer.getByRole('button', { name: 'Accept chosen' }).click();
await customer.locator('.probability').waitFor();
await customer.getByRole('button', { name: 'Take part in rounds' }).click();
await customer
  .locator('.rounds tbody tr', { hasText: 'took part' })
  .nth(ROUNDS - 1)
  .waitFor({ timeout: 180_000 });
await customer.getByRole('button', { name: 'Get a price rise of 12 %' }).click();
await pause(2_000);
await customer
  .getByRole('group', { name: 'Would you recommend us?' })
  .getByRole('button', { name: '3' })
  .click();
await customer.getByRole('checkbox', { name: 'Device and area', exact: true }).uncheck();
await customer.locator('.feed li', { hasText: 'forgotten' }).waitFor();
await pause(3_000);
await customer.evaluate(() => {
  scrollTo(0, 0);
  document.querySelector('.app').scrollTo(0, 0);
});
await picture(customer, 'customer-page');
await customer.setViewportSize({ width: 390, height: 844 });
await customer
  .getByRole('heading', { name: 'Your twin', exact: true })
  .evaluate((heading) => heading.scrollIntoView());
await pause(500);
await picture(customer, 'customer-page-small');

const status = await context.newPage();
await status.setViewportSize({ width: 1280, height: 860 });
await status.goto(`${origin}/status/`);
await status.locator('.chart canvas').first().waitFor();
await pause(2_000);
await status.reload();
await status.locator('.chart canvas').first().waitFor();
await pause(2_000);
await picture(status, 'status-page');
await browser.close();

async function picture(page, name) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  process.stdout.write(`${path}\n`);
}
