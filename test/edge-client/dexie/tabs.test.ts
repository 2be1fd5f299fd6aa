/** Several tabs of one origin, each a page of its own with a process of its own, on one store. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../support/chromium.ts';
import { inTab, openTab, type Tab } from './in-tab.ts';
import type { Look } from './tab.ts';

let browser: Browser;
let context: BrowserContext;
let a: Tab;
let b: Tab;
const rejections: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  context = await browser.newContext();
  context.on('weberror', (error) => rejections.push(String(error.error())));
  [a, b] = [await openTab(context), await openTab(context)];
});
afterEach(async () => {
  await context.close();
  expect(rejections.splice(0)).toEqual([]);
});

describe('two tabs', () => {
  it('that open a new store at the same time make one, with one device key', async () => {
    const opened = await Promise.all([inTab(a, 'open'), inTab(b, 'open')]);
    expect(opened.sort()).toEqual(['created', 'found']);
    const [one, other] = await Promise.all([inTab(a, 'deviceKeyId'), inTab(b, 'deviceKeyId')]);
    expect(one).toBe(other);
    expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await inTab(a, 'deviceKeyId')).toBe(one);
  });

  it('that record at the same time lose nothing and count nothing twice', async () => {
    await inTab(a, 'open');
    await inTab(b, 'open');
    await inTab(a, 'enrol', ['behavioral']);
    const ids = Array.from({ length: 40 }, (_, i) => `e${10 + i}`);
    const fresh = await Promise.all(
      ids.flatMap((id, i) => [
        inTab(i % 2 ? a : b, 'record', id),
        // Every fourth one is recorded by both.
        ...(i % 4 === 0 ? [inTab(a, 'record', id)] : []),
      ]),
    );
    expect(fresh.filter((n) => n === 1)).toHaveLength(40);
    expect(fresh.filter((n) => n === 0)).toHaveLength(10);
    expect(await inTab(b, 'look')).toMatchObject({ features: 40 });
    const { ids: kept } = (await inTab(a, 'look')) as Look;
    expect(kept.sort()).toEqual(ids);
  });

  it('know of a withdrawal at once', async () => {
    await inTab(a, 'open');
    await inTab(b, 'open');
    await inTab(a, 'enrol', ['behavioral']);
    expect(await inTab(b, 'record', 'e1')).toBe(1);
    await inTab(a, 'withdrawAll', ['behavioral']);
    expect(await inTab(b, 'record', 'e2')).toBe(0);
    expect(await inTab(b, 'look')).toEqual({ ids: [], features: null, consents: 2 });
  });

  it.each([false, true])('part when one erases the store (without buckets: %s)', async (withoutBuckets) => {
    await inTab(a, 'open', { withoutBuckets });
    await inTab(b, 'open', { withoutBuckets });
    await inTab(a, 'enrol', ['behavioral']);
    const ended = inTab(b, 'closed');
    expect(await inTab(a, 'eraseAll')).toEqual({ files: withoutBuckets ? 'deleted' : 'removed' });
    expect(await ended).toBe('gone');
    expect(await inTab(b, 'record', 'e1')).toBe('store/closed');
    expect(await inTab(a, 'record', 'e1')).toBe('store/closed');
    expect(await inTab(b, 'open', { withoutBuckets })).toBe('created');
    expect(await inTab(b, 'look')).toBe('store/unknown-twin');
  });

  it('end in stated ways while one keeps opening and the other erases', async () => {
    await inTab(b, 'open');
    const outcomes: unknown[] = [];
    const erasing = (async () => {
      for (let i = 0; i < 5; i++) outcomes.push(await inTab(b, 'eraseUnopened', false));
    })();
    for (let i = 0; i < 15; i++) outcomes.push(await inTab(a, 'open'));
    await erasing;
    const stated = ['created', 'found', 'store/closed', 'store/unavailable', 'store/corrupt'];
    expect(outcomes.filter((outcome) => typeof outcome === 'string' && !stated.includes(outcome))).toEqual(
      [],
    );
    expect(await inTab(b, 'eraseUnopened', false)).toEqual({ files: 'removed' });
    expect(await inTab(a, 'open')).toBe('created');
    expect(await inTab(a, 'enrol', ['behavioral'])).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});

describe('a tab that crashes', () => {
  it('in the middle of writing leaves a store that is whole, with everything it was told of', async () => {
    await inTab(a, 'open');
    await inTab(b, 'open');
    await inTab(a, 'enrol', ['behavioral']);
    const told: string[] = [];
    await a.page.exposeFunction('told', (id: string) => void told.push(id));
    inTab(a, 'recordOnAndOn', 'e').catch(() => {});
    await expect.poll(() => told.length).toBeGreaterThan(5);
    const crashed = a.page.waitForEvent('crash');
    a.page.goto('chrome://crash').catch(() => {});
    await crashed;

    const { ids, features, consents } = (await inTab(b, 'look')) as Look;
    expect(ids).toEqual(expect.arrayContaining(told));
    expect(ids.length - told.length).toBeLessThanOrEqual(1);
    expect(features).toBe(ids.length % 256);
    expect(consents).toBe(1);
    expect(await inTab(b, 'record', 'after')).toBe(1);
  });
});
