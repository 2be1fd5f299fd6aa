/** Yes, no and the way back in a real Chromium, on a page with a strict policy and a plain script tag, with a real twin and a real log. */
import type { Browser } from 'playwright-core';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { CONTROLLER, PURPOSES, startBank, type Bank } from './support/bank.ts';
import { count, openBank, type Guest } from './support/guest.ts';

let bank: Bank;
let browser: Browser;
let guest: Guest;

beforeAll(async () => {
  [bank, browser] = await Promise.all([startBank(), launchChromium()]);
});
afterAll(async () => {
  await browser.close();
  await bank.stop();
});
afterEach(async () => {
  expect(await guest.host('violations')).toEqual([]);
  expect(guest.complaints).toEqual([]);
  await guest.page.context().close();
});

const enter = async (query: Record<string, string> = {}): Promise<Guest> =>
  (guest = await openBank(browser, bank, query));
const said = (text: string): Promise<void> =>
  guest.page.getByRole('status').getByText(text, { exact: true }).waitFor();

describe('nothing is chosen beforehand', () => {
  it('and no is as large as yes, beside it and before it', async () => {
    const { page, button } = await enter();
    expect(await page.locator('twinkeep-consent .row').count()).toBe(9);
    expect(await page.locator('twinkeep-consent :checked').count()).toBe(0);
    const [refuse, accept] = [button('Refuse all'), button('Accept chosen')];
    const [no, yes] = [await refuse.boundingBox(), await accept.boundingBox()];
    expect(no).toMatchObject({ width: yes?.width, height: yes?.height, y: yes?.y });
    expect(no!.x).toBeLessThan(yes!.x);
    const look = ['color', 'backgroundColor', 'borderTopColor', 'borderTopWidth', 'fontSize', 'fontWeight'];
    const style = (element: Element, names: string[]): string[] =>
      names.map((name) => String(getComputedStyle(element)[name as keyof CSSStyleDeclaration]));
    expect(await refuse.evaluate(style, look)).toEqual(await accept.evaluate(style, look));
  });

  it('a yes to nothing is no yes', async () => {
    const { button, click, page } = await enter();
    await click(button('Accept chosen'));
    await said('Nothing is chosen yet. Switch on what you want to allow.');
    expect(await page.locator('twinkeep-consent .switch:focus').count()).toBe(1);
    expect(await count(guest, 'unknown')).toBe((await guest.cells()).length);
    expect(await guest.host('changes')).toEqual([]);
  });
});

describe('steps', () => {
  it('clicks: refusing and withdrawing take no more than accepting', async () => {
    await enter();
    await guest.click(guest.button('Refuse all'));
    await said(
      'Refused: How you use the service, Payments and contracts, Contacts with us, Device and place, Data from others, Your opinions and Personality and interests.',
    );
    const refuse = guest.steps();
    expect(await count(guest, 'unknown')).toBe(0);
    expect(await count(guest, 'refused')).toBe((await guest.cells()).length);
    await guest.page.context().close();

    await enter();
    await guest.click(guest.switchOf('Your opinions'));
    await guest.click(guest.button('Accept chosen'));
    await said('Allowed: Your opinions.');
    const accept = guest.steps();
    expect(await count(guest, 'given')).toBe(5);
    await guest.click(guest.switchOf('Your opinions'));
    await said('Withdrawn: Your opinions.');
    const withdraw = guest.steps() - accept;
    expect(await count(guest, 'given')).toBe(0);
    expect(await count(guest, 'withdrawn')).toBe(5);
    expect({ refuse, accept, withdraw }).toEqual({ refuse: 1, accept: 2, withdraw: 1 });
    await guest.page.context().close();

    await enter({ purpose: PURPOSES.service });
    await guest.click(guest.page.getByRole('checkbox', { name: 'Choose all 7' }));
    await guest.click(guest.page.getByRole('checkbox', { name: /^I explicitly agree/ }));
    await guest.click(guest.button('Accept chosen'));
    await expect.poll(() => count(guest, 'given')).toBe(35);
    const acceptAll = guest.steps();
    await guest.click(guest.button('Withdraw everything'));
    await expect.poll(() => count(guest, 'withdrawn')).toBe(35);
    expect({ acceptAll, withdrawAll: guest.steps() - acceptAll }).toEqual({ acceptAll: 3, withdrawAll: 1 });
    expect(refuse).toBeLessThanOrEqual(accept);
    expect(withdraw).toBeLessThanOrEqual(accept);
  });

  it('keys: refusing and withdrawing take no more than accepting', async () => {
    await enter();
    await guest.tabTo('Refuse all');
    await guest.press('Enter');
    await expect.poll(() => count(guest, 'refused')).toBeGreaterThan(0);
    const refuse = guest.steps();
    await guest.page.context().close();

    await enter();
    await guest.tabTo('How you use the service');
    await guest.press('Space');
    await guest.tabTo('Accept chosen');
    await guest.press('Enter');
    await said('Allowed: How you use the service.');
    const accept = guest.steps();
    await guest.page.reload();
    await guest.page.locator('twinkeep-consent [data-tone=yes]').first().waitFor();
    await guest.tabTo('How you use the service');
    await guest.press('Space');
    await said('Withdrawn: How you use the service.');
    const withdraw = guest.steps() - accept;
    expect(refuse).toBeLessThanOrEqual(accept);
    expect(withdraw).toBeLessThanOrEqual(accept);
  });
});

it('by keyboard alone: a yes with its second yes, a withdrawal, a receipt, the export, the end', async () => {
  const { page, tabTo, press } = await enter();
  await tabTo('Your opinions');
  await press('Space');
  await tabTo('Personality and interests');
  await press('Space');
  await tabTo('Accept chosen');
  await press('Enter');
  // The second yes is missing: nothing was signed, and the focus is where it is given.
  await page.locator('twinkeep-consent .confirm[aria-invalid=true]:focus').waitFor();
  expect(await count(guest, 'given')).toBe(0);
  await press('Space');
  await tabTo('Accept chosen');
  await press('Enter');
  await said('Allowed: Personality and interests and Your opinions.');
  expect(await count(guest, 'given')).toBe(10);

  await tabTo('Receipts (2)');
  await press('Enter');
  await page
    .getByText(/entry \d+ of the public log/)
    .nth(1)
    .waitFor();
  await tabTo('Download');
  const [receipt] = await Promise.all([page.waitForEvent('download'), press('Enter')]);
  expect(receipt.suggestedFilename()).toMatch(/^consent-receipt-\d{4}-\d\d-\d\d-[\w-]{8}\.json$/);
  const file = JSON.parse(await readFile(await receipt.path(), 'utf8')) as Record<string, unknown>;
  expect(file).toMatchObject({ format: 'urn:twinkeep:consent-receipt:1', id: /^sha-256:/ });
  const [, payload] = String(file['jws']).split('.');
  expect(JSON.parse(Buffer.from(payload as string, 'base64url').toString())).toEqual(file['event']);
  expect(file['receipt']).toMatchObject({ index: expect.any(Number) as number });

  expect(file['iso27560']).toMatchObject({
    '@type': 'dpv:ConsentReceipt',
    'twin:jws': file['jws'],
    'twin:tlogProof': expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\n/) as string,
  });

  await tabTo('Export everything');
  const [saved] = await Promise.all([page.waitForEvent('download'), press('Enter')]);
  const data = JSON.parse(await readFile(await saved.path(), 'utf8')) as { consents: unknown[] };
  expect(data).toMatchObject({ format: 'urn:twinkeep:twin-export:1' });
  expect(data.consents).toHaveLength(2);

  await page.reload();
  await page.locator('twinkeep-consent [data-tone=yes]').first().waitFor();
  await tabTo('Personality and interests');
  await press('Space');
  await said('Withdrawn: Personality and interests.');
  await tabTo('Withdraw everything');
  await press('Enter');
  await said('Withdrawn: Your opinions.');
  // The button is gone, and the focus is not lost with it.
  expect(await page.locator('twinkeep-consent .title:focus').count()).toBe(1);

  await tabTo('Erase my twin');
  await press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Erase your twin?' });
  await dialog.waitFor();
  await press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await press('Enter');
  await tabTo('Erase');
  await press('Enter');
  await page.getByRole('heading', { name: 'Your twin is erased' }).waitFor();
  expect(await page.locator('twinkeep-consent .title:focus').count()).toBe(1);
  expect(await guest.host('changes')).toMatchObject([
    { kind: 'withdraw', categories: ['psychographic'] },
    { kind: 'withdraw', categories: ['feedback'] },
    { kind: 'erase', erasure: { erased: true, withdrawn: true } },
  ]);
});

describe('what is signed', () => {
  const signed = (): Promise<unknown[]> =>
    guest.page.evaluate(async () => {
      const answer = await host.twin.consent.receipts();
      return answer.available ? answer.receipts.map(({ event }) => event) : [];
    });

  it('is what was shown: a sensitive kind explicitly, a part of the uses, conditions of the person', async () => {
    const { page, click, button, switchOf } = await enter({ purpose: PURPOSES.service });
    expect(await page.getByText(`I explicitly agree that ${CONTROLLER}`).isVisible()).toBe(false);
    await click(switchOf('Personality and interests'));
    await click(page.getByRole('checkbox', { name: /^I explicitly agree/ }));
    await click(page.getByText('What this allows: Your opinions'));
    await click(page.getByRole('checkbox', { name: 'Contribute to the encrypted sum Your opinions' }));
    await click(page.getByText('Conditions of yours (optional)'));
    await page.getByLabel('Smallest number of participants').fill('1');
    await click(button('Accept chosen'));
    const cohort = page.getByLabel('Smallest number of participants');
    expect(await cohort.getAttribute('aria-invalid')).toBe('true');
    expect(await cohort.evaluate((field) => field.matches(':focus'))).toBe(true);
    expect(await signed()).toEqual([]);
    await cohort.fill('50');
    await page.getByLabel('Largest privacy loss (ε)').fill('1.5');
    await click(button('Accept chosen'));
    await said('Allowed: Personality and interests; Your opinions (Contribute to the encrypted sum).');
    const privacyFloor = { secAgg: { minCohort: 50 }, dp: { epsMaxMicro: 1_500_000, unit: 'user' } };
    const sensitive = { category: 'psychographic', consentType: 'explicit', state: 'given', privacyFloor };
    const part = { category: 'feedback', operations: ['contribute'], consentType: 'expressed', privacyFloor };
    expect(await signed()).toMatchObject([
      { grants: [sensitive], event: { type: 'grant', method: 'toggle+confirm+button' } },
      { grants: [part], event: { type: 'grant', uiFlow: 'twinkeep-consent' } },
    ]);
    const row = page.locator('twinkeep-consent .row', { hasText: 'Personality and interests' }).first();
    await row
      .getByText(/only in sums over at least 50 participants, only up to a privacy loss of ε = 1.5$/)
      .waitFor();
    const opinions = switchOf('Your opinions');
    expect(await opinions.evaluate((box) => (box as HTMLInputElement).indeterminate)).toBe(true);

    // Off takes back the part that was given.
    await click(opinions);
    await said('Withdrawn: Your opinions (Contribute to the encrypted sum).');
    // Without conditions from now on.
    await cohort.fill('');
    await page.getByLabel('Largest privacy loss (ε)').fill('');
    await click(button('Apply to what is allowed'));
    // Other conditions are another yes, and a sensitive kind takes that twice as well.
    await page.locator('twinkeep-consent .confirm[aria-invalid=true]:focus').waitFor();
    expect(await signed()).toHaveLength(3);
    await page.keyboard.press('Space');
    await click(button('Apply to what is allowed'));
    await said('Allowed: Personality and interests.');
    const last = (await signed()).at(-1) as { grants: object[] };
    expect(last).toMatchObject({ grants: [{ category: 'psychographic', consentType: 'explicit' }] });
    expect(last.grants[0]).not.toHaveProperty('privacyFloor');
  });

  it('is of the purposes that the page is about, and of no other', async () => {
    const { page, click, button } = await enter({ purpose: PURPOSES.fraud });
    expect(await page.getByRole('heading', { name: 'Purpose:' }).allInnerTexts()).toEqual([
      'Purpose: Detect and prevent fraud',
    ]);
    await click(button('Refuse all'));
    await said('Refused: Payments and contracts and Device and place.');
    const statuses = new Map((await guest.cells()).map(({ purpose, status }) => [purpose, status]));
    expect(Object.fromEntries(statuses)).toEqual({
      [PURPOSES.service]: 'unknown',
      [PURPOSES.fraud]: 'refused',
    });
  });

  it('follows what is chosen elsewhere in the app', async () => {
    const { page, switchOf } = await enter();
    await page.evaluate(() => host.twin.consent.grant({ categories: ['transactional'] }));
    await expect.poll(() => switchOf('Payments and contracts').isChecked()).toBe(true);
    await page.evaluate(() => host.twin.consent.withdraw());
    await expect.poll(() => switchOf('Payments and contracts').isChecked()).toBe(false);
  });
});
