/** A visitor's browser, watched: what it complains of and where it sends. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export interface Visitor {
  page: Page;
  /** Errors of scripts and of the policy, in the order in which they came. */
  complaints: string[];
  /** Origins that were sent to. */
  origins: Set<string>;
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('blob:')) origins.add(new URL(request.url()).origin);
  });
  await page.goto(url);
  return { page, complaints, origins };
}

const require = createRequire(import.meta.url);
const AXE = require.resolve('axe-core/axe.min.js');

/** Violations that axe-core finds, each with the elements that it is about. */
export async function axe(page: Page): Promise<string[]> {
  // Evaluated by the browser's own debugger, which no policy of the page holds back.
  await page.evaluate(await readFile(AXE, 'utf8'));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  });
}

/** Presses Tab until `name` has the focus, inside a component or not. @throws Error after 120 steps */
export async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press('Tab');
    const focused = await focusedName(page);
    if (focused === name) return;
    seen.push(focused);
  }
  throw new Error(`the focus never came to "${name}", but to ${seen.join(' / ')}`);
}

/** What a switch is labelled by, else its text; with the name of its group before it. */
export function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const root = element?.getRootNode() as Document | ShadowRoot;
    const labels = element?.getAttribute('aria-labelledby')?.split(' ') ?? [];
    if (labels.length > 0) return labels.map((id) => root.getElementById(id)?.textContent).join(', ');
    const group = element?.closest('[role=group][aria-label]')?.getAttribute('aria-label');
    const text = element?.textContent?.trim() ?? '';
    return group === null || group === undefined ? text : `${group}: ${text}`;
  });
}

/** How far the page can be scrolled to the side, in pixels: none, if it fits. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
