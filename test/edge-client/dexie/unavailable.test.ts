/** Where nothing can be kept, or nothing more: an answer with a code, at opening or at the call, and never an error on the page. */
import { eraseDexieStore, openDexieStore, persistDexieStore } from '@twinkeep/edge-client/dexie';
import type { Browser, BrowserContext, CDPSession, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../support/chromium.ts';
import { inTab, openTab, type Tab } from './in-tab.ts';
import type { Look } from './tab.ts';

let browser: Browser;
let context: BrowserContext;
let tab: Tab;
const rejections: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
  context.on('weberror', (error) => rejections.push(String(error.error())));
  tab = await openTab(context);
});
afterEach(async () => {
  await context.close();
  expect(rejections.splice(0)).toEqual([]);
});

describe('a store is refused', () => {
  /** The module of the tab in a place of another kind. */
  async function openIn(place: Page | Frame): Promise<string> {
    const code = await tab.page.evaluate(async () => (await fetch('/module.js')).text());
    const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
    // As text: the test runner would rewrite an import.
    return place.evaluate<string>(`import(${JSON.stringify(url)}).then((module) => module.open({}))`);
  }

  it('without IndexedDB', async () => {
    expect(globalThis).not.toHaveProperty('indexedDB');
    await expect(openDexieStore({ name: 'none', crypto, clock: Date.now })).rejects.toMatchObject({
      code: 'store/unavailable',
    });
    await expect(eraseDexieStore({ name: 'none' })).rejects.toMatchObject({ code: 'store/unavailable' });
    expect(await persistDexieStore('none')).toBe(false);
  });

  it('without a secure context', async () => {
    const page = await context.newPage();
    await page.route('http://plain.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Plain</title>' }),
    );
    await page.goto('http://plain.example/');
    expect(await openIn(page)).toBe('store/unavailable');
  });

  it('where storage is forbidden', async () => {
    await tab.page.evaluate(() => {
      const frame = document.createElement('iframe');
      frame.sandbox.add('allow-scripts');
      frame.srcdoc = '<!doctype html><title>Sandboxed</title>';
      document.body.append(frame);
      return new Promise((resolve) => frame.addEventListener('load', resolve));
    });
    expect(await openIn(tab.page.frames().at(-1) as Frame)).toBe('store/unavailable');
  });

  it('for a name that could name a person or a path', async () => {
    await expect(openDexieStore({ name: 'Jane Doe', crypto, clock: Date.now })).rejects.toThrow(RangeError);
  });
});

describe('a full quota', () => {
  let session: CDPSession;

  /** Holds for as long as the session does. */
  async function limit(quotaSize: number | null): Promise<void> {
    const { origin } = new URL(tab.page.url());
    await session.send(
      'Storage.overrideQuotaForOrigin',
      quotaSize === null ? { origin } : { origin, quotaSize },
    );
  }

  beforeEach(async () => {
    session = await context.newCDPSession(tab.page);
  });

  it('ends a write with its code, keeps what was there, and lets go on once there is room', async () => {
    await limit(2_000_000);
    expect(await inTab(tab, 'open')).toBe('created');
    await inTab(tab, 'enrol', ['behavioral']);
    expect(await inTab(tab, 'record', 'e1')).toBe(1);
    expect(await inTab(tab, 'writeMegabytes', 4)).toBe('store/full');
    expect(await inTab(tab, 'record', 'e2', { filling: 'x'.repeat(2_000) })).toBe('store/full');
    const { ids, features, consents } = (await inTab(tab, 'look')) as Look;
    expect({ ids, features, consents }).toEqual({ ids: ['e1'], features: 1, consents: 1 });
    await limit(null);
    expect(await inTab(tab, 'record', 'e2')).toBe(1);
  });

  it('that leaves no room for a store says so', async () => {
    await limit(1);
    expect(await inTab(tab, 'open')).toBe('store/full');
    await limit(null);
    expect(await inTab(tab, 'open')).toBe('created');
  });

  it('used up to the last byte lets the store be erased, though not even a mark can be left', async () => {
    expect(await inTab(tab, 'open')).toBe('created');
    await inTab(tab, 'enrol', ['behavioral']);
    await limit(1);
    let events = 0;
    // Chromium remembers for a while how much room there was.
    await expect
      .poll(() => inTab(tab, 'record', `e${events++}`), { timeout: 90_000, interval: 500 })
      .toBe('store/full');
    expect(await inTab(tab, 'eraseUnopened', false)).toEqual({ files: 'removed' });
    await limit(null);
    expect(await inTab(tab, 'open')).toBe('created');
  });

  it('can be asked about, and so can the promise not to evict', async () => {
    await inTab(tab, 'open');
    await inTab(tab, 'enrol', ['behavioral']);
    const { persisted, usage, quota } = await inTab(tab, 'health');
    expect(persisted).toBe(false);
    expect(usage).toBeGreaterThan(0);
    expect(quota).toBeGreaterThan(1_000_000);
    expect(await inTab(tab, 'persist')).toBe((await inTab(tab, 'health')).persisted);
  });
});

describe('storage that is taken away', () => {
  it('ends the store; the next opening starts anew', async () => {
    await inTab(tab, 'open');
    await inTab(tab, 'enrol', ['behavioral']);
    const ended = inTab(tab, 'closed');
    const session = await context.newCDPSession(tab.page);
    await session.send('Storage.clearDataForOrigin', {
      origin: new URL(tab.page.url()).origin,
      storageTypes: 'all',
    });
    expect(await ended).toBe('gone');
    expect(await inTab(tab, 'record', 'e1')).toBe('store/closed');
    expect(await inTab(tab, 'open')).toBe('created');
    expect(await inTab(tab, 'look')).toBe('store/unknown-twin');
  });
});
