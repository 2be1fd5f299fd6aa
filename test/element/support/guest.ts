/** A person in front of the bank's page: what they press is counted. */
import type { ConsentChangeDetail, ConsentErrorDetail } from '@twinkeep/edge-client/consent-element';
import type { ConsentCellView, Twin } from '@twinkeep/edge-client';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { focusedName } from '../../demo-pages/support/visitor.ts';
import type { Bank } from './bank.ts';

export interface Host {
  changes: ConsentChangeDetail[];
  errors: ConsentErrorDetail[];
  /** Directives of the policy that something broke. */
  violations: string[];
  twin: Twin;
}

declare global {
  var host: Host;
}

export interface Guest {
  page: Page;
  /** Clicks and key presses since the page was opened. */
  steps(): number;
  click(what: Locator): Promise<void>;
  press(key: string): Promise<void>;
  /** Tab, until that has the focus. */
  tabTo(name: string | RegExp): Promise<void>;
  switchOf(category: string): Locator;
  button(name: string | RegExp): Locator;
  cells(): Promise<ConsentCellView[]>;
  host<Name extends 'changes' | 'errors' | 'violations'>(name: Name): Promise<Host[Name]>;
  /** Errors of scripts and of the policy. */
  complaints: string[];
}

const MOST_TABS = 120;

export async function openBank(
  browser: Browser,
  bank: Bank,
  query: Record<string, string> = {},
  options: BrowserContextOptions = {},
): Promise<Guest> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(bank.visit(query));
  await page.locator('twinkeep-consent .row').first().waitFor();
  let steps = 0;
  const press = async (key: string): Promise<void> => {
    steps++;
    await page.keyboard.press(key);
  };
  return {
    ...{ page, complaints, press },
    steps: () => steps,
    async click(what) {
      steps++;
      await what.click();
    },
    async tabTo(name) {
      const seen: string[] = [];
      for (let tabs = 0; tabs < MOST_TABS; tabs++) {
        await press('Tab');
        const focused = await focusedName(page);
        if (typeof name === 'string' ? focused === name : name.test(focused)) return;
        seen.push(focused);
      }
      throw new Error(`the focus never came to ${String(name)}, but to ${seen.join(' / ')}`);
    },
    switchOf: (category) => page.getByRole('checkbox', { name: category, exact: true }).first(),
    button: (name) => page.getByRole('button', { name }),
    cells: () =>
      page.evaluate(async () => {
        const answer = await host.twin.consent.cells();
        return answer.available ? [...answer.cells] : [];
      }),
    host: (name) => page.evaluate((key) => host[key] as never, name),
  };
}

/** How many of the twin's cells have this status. */
export async function count(guest: Guest, status: string): Promise<number> {
  return (await guest.cells()).filter((cell) => cell.status === status).length;
}
