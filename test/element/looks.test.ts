/** The element in every state, language, width and scheme: what axe finds, whether it fits, what it says when something is wrong. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { axe, overflow } from '../demo-pages/support/visitor.ts';
import { launchChromium } from '../support/chromium.ts';
import { startBank, type Bank } from './support/bank.ts';
import { openBank, type Guest } from './support/guest.ts';

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
  await guest.page.context().close();
});

/** The words of buttons, in the order in which they are pressed. */
const LANGUAGES = [
  {
    ...{ lang: 'en', title: 'What may your twin use?', accept: 'Accept chosen', erase: 'Erase my twin' },
    ...{
      yes: 'Erase',
      erased: 'Your twin is erased',
      day: /\d{1,2} \w+ \d{4}/,
      scheme: 'light',
      width: 1280,
    },
  },
  {
    ...{ lang: 'de', title: 'Was darf Ihr Zwilling verwenden?', accept: 'Auswahl erlauben' },
    ...{ erase: 'Zwilling löschen', yes: 'Löschen', erased: 'Ihr Zwilling ist gelöscht' },
    ...{ day: /\d{1,2}\. \w+ \d{4}/, scheme: 'dark', width: 390 },
  },
  {
    ...{ lang: 'es', title: '¿Qué puede usar su gemelo?', accept: 'Permitir lo elegido' },
    ...{ erase: 'Borrar mi gemelo', yes: 'Borrar', erased: 'Su gemelo está borrado' },
    ...{ day: /\d{1,2} de \w+ de \d{4}/, scheme: 'light', width: 390 },
  },
] as const;

it.each(LANGUAGES)(
  'is clean in $lang, at $width pixels, $scheme: unanswered, half answered, answered, asking, erased',
  async ({ lang, title, accept, erase, yes, erased, day, scheme, width }) => {
    guest = await openBank(browser, bank, { lang, scheme }, { viewport: { width, height: 900 } });
    const { page, button } = guest;
    const clean = async (): Promise<void> => {
      expect(await axe(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    };
    await page.getByRole('heading', { name: title }).waitFor();
    expect(await page.locator('twinkeep-consent .panel').getAttribute('lang')).toMatch(
      new RegExp(`^${lang}`),
    );
    await clean();
    await page.getByRole('checkbox', { name: /\b7\b/ }).check();
    await button(accept).click();
    for (const details of await page.locator('twinkeep-consent summary').all()) await details.click();
    await page.locator('twinkeep-consent .missing', { hasText: /\w/ }).first().waitFor();
    await clean();
    await page.locator('twinkeep-consent .confirm').first().check();
    await button(accept).click();
    await page.locator('twinkeep-consent .receipt').first().waitFor();
    expect(await page.locator('twinkeep-consent [data-tone=yes]').first().innerText()).toMatch(day);
    await clean();
    await button(erase).click();
    await clean();
    await page.getByRole('dialog').getByRole('button', { name: yes }).click();
    await page.getByRole('heading', { name: erased }).waitFor();
    await clean();
    expect(guest.complaints).toEqual([]);
  },
);

describe('its style', () => {
  it('comes without any style-src, and takes the host app’s colours and parts', async () => {
    guest = await openBank(browser, bank);
    const { page } = guest;
    const radius = (): Promise<string> =>
      page.locator('twinkeep-consent .panel').evaluate((panel) => getComputedStyle(panel).borderRadius);
    expect(await radius()).toBe('12px');
    expect(
      await page.evaluate(() =>
        document.querySelector('twinkeep-consent')?.shadowRoot?.querySelector('style'),
      ),
    ).toBe(null);
    // A host app's own sheet, constructed too, since this page's policy allows no other.
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        'twinkeep-consent { --twinkeep-radius: 3px; --twinkeep-accent: rgb(1, 2, 3) } twinkeep-consent::part(title) { color: rgb(4, 5, 6) }',
      );
      document.adoptedStyleSheets = [sheet];
    });
    expect(await radius()).toBe('3px');
    const color = (selector: string): Promise<string> =>
      page
        .locator(selector)
        .first()
        .evaluate((element) => getComputedStyle(element).color);
    expect(await color('twinkeep-consent .answer')).toBe('rgb(1, 2, 3)');
    expect(await color('twinkeep-consent .title')).toBe('rgb(4, 5, 6)');
  });

  it('changes sides with the page', async () => {
    guest = await openBank(browser, bank, { dir: 'rtl' }, { viewport: { width: 390, height: 844 } });
    const row = guest.page.locator('twinkeep-consent .row').first();
    const [name, box] = [row.locator('.name').first(), row.locator('.switch').first()];
    expect((await box.boundingBox())!.x).toBeLessThan((await name.boundingBox())!.x);
    expect(await overflow(guest.page)).toBe(0);
    expect(await axe(guest.page)).toEqual([]);
  });

  it('moves nothing where that is wished, and draws real checkboxes where colours are forced', async () => {
    guest = await openBank(browser, bank, {}, { reducedMotion: 'reduce', forcedColors: 'active' });
    const style = await guest.page
      .locator('twinkeep-consent .switch')
      .first()
      .evaluate((box) => [getComputedStyle(box).transitionDuration, getComputedStyle(box).appearance]);
    expect(style).toEqual(['0s', 'auto']);
  });
});

describe('its language', () => {
  it('follows the document, unless the element has its own', async () => {
    guest = await openBank(browser, bank);
    const { page } = guest;
    await page.evaluate(() => (document.documentElement.lang = 'es'));
    await page.getByRole('heading', { name: '¿Qué puede usar su gemelo?' }).waitFor();
    await page.evaluate(() => document.querySelector('twinkeep-consent')?.setAttribute('lang', 'de-AT'));
    await page.getByRole('heading', { name: 'Was darf Ihr Zwilling verwenden?' }).waitFor();
  });
});

/** Where the network comes back only to the next but one of a twin's tries, each of which waits twice as long as the one before. */
const PATIENT = { timeout: 150_000 };

describe('when something is in the way', { timeout: 240_000 }, () => {
  it('offline it says so; a choice counts here at once and waits for the log until the network is back', async () => {
    guest = await openBank(browser, bank);
    const { page, switchOf, button } = guest;
    const row = page.locator('twinkeep-consent .row', { hasText: 'Your opinions' }).first();
    const first = row.locator('.status').first();
    await page.context().setOffline(true);
    await page.getByText('You are offline.').waitFor();
    await switchOf('Your opinions').check();
    await button('Accept chosen').click();
    await first.getByText(/^Allowed, until .*, waiting for its entry in the public log$/).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.context().setOffline(false);
    await first.getByText(/^Allowed, until \d+ \w+ \d+$/).waitFor(PATIENT);
    await page.getByText('You are offline.').waitFor({ state: 'hidden' });
  });

  it('a twin that cannot answer: the reason in the person’s language, the host app is told, erasure stays', async () => {
    guest = await openBank(browser, bank, { lang: 'de' });
    const { page, button } = guest;
    await page.evaluate(() => host.twin.close());
    const why = 'Der Zwilling wurde auf dieser Seite geschlossen.';
    await page.getByRole('alert').getByText(why).waitFor();
    expect(await page.locator('twinkeep-consent .row').first().isVisible()).toBe(false);
    expect(await axe(page)).toEqual([]);
    await button('Zwilling löschen').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Löschen' }).click();
    const reason = 'closed';
    await expect
      .poll(() => guest.host('errors'))
      .toEqual([
        { doing: 'read', reason, why },
        { doing: 'erase', reason, why },
      ]);
    expect(await guest.host('changes')).toEqual([]);
  });

  it('an erasure offline: the data are gone at once, and what is still to come is said', async () => {
    guest = await openBank(browser, bank);
    const { page, switchOf, button } = guest;
    await switchOf('Your opinions').check();
    await button('Accept chosen').click();
    await page.locator('twinkeep-consent .said', { hasText: 'Allowed' }).waitFor();
    await page.context().setOffline(true);
    await button('Erase my twin').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click();
    await page.getByText('The withdrawal still waits to be delivered').waitFor();
    await page.getByRole('heading', { name: 'Your twin’s data are erased' }).waitFor();
    expect(await guest.host('changes')).toMatchObject([
      { kind: 'grant' },
      { kind: 'erase', erasure: { erased: 'data' } },
    ]);
    await page.context().setOffline(false);
    await page.getByRole('heading', { name: 'Your twin is erased' }).waitFor(PATIENT);
  });

  it('taken out of the page and put back, it asks the same twin', async () => {
    guest = await openBank(browser, bank);
    const { page } = guest;
    await page.evaluate(() => {
      const element = document.querySelector('twinkeep-consent') as HTMLElement;
      const place = element.parentElement as HTMLElement;
      element.remove();
      place.append(element);
    });
    await page.locator('twinkeep-consent .row').first().waitFor();
    await page.evaluate(() => host.twin.consent.grant({ categories: ['transactional'] }));
    await page.locator('twinkeep-consent [data-tone=yes]').first().waitFor();
    expect(guest.complaints).toEqual([]);
  });
});
