/** A browser whose files or rows were damaged while it was away: the twin says so, works with no part of what was kept, and can be erased. */
import type { BrowserContext } from 'playwright-core';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromiumProfile } from '../support/chromium.ts';
import { createHouse, type House } from './support/house.ts';
import { openTwin, type TwinInPage } from './support/twin-tab.ts';
import { expectAnswers, expectErasable } from './support/without-storage.ts';

describe('a damaged store', { timeout: 300_000 }, () => {
  let house: House;
  let task: string;
  let profile: string;
  let browser: BrowserContext;
  let twin: TwinInPage;

  beforeAll(async () => {
    house = await createHouse();
  });
  afterAll(() => house.stop());
  beforeEach(async () => {
    ({ taskId: task } = await house.begin(3, 0));
    profile = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    browser = await launchChromiumProfile(profile);
    twin = await open();
    await twin.makeReady();
  });
  afterEach(async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    house.calmDown();
  });

  async function open(subject?: string): Promise<TwinInPage> {
    const who = subject === undefined ? {} : { subject };
    const [page = await browser.newPage()] = browser.pages();
    return openTwin(house.app, house.world, page, { task, ...who });
  }

  it.each(['twin', 'consent', 'feature', 'event', 'key'])(
    'with garbage among its rows of %s is found as soon as they are read, and can be erased',
    async (table) => {
      await twin.page.evaluate(fillWithGarbage(table));
      await twin.page.reload();
      const again = await open(twin.subject);
      // Rows are opened when they are needed: events for the person's own copy alone.
      await again.call((twin, task: string) => twin.predict(task), task);
      await again.call((twin) => twin.export());
      expect(await again.call((twin) => twin.status())).toMatchObject({
        state: 'unavailable',
        reason: 'storage-corrupt',
        why: 'What the browser kept of the twin is damaged and cannot be read; erasing the twin clears it.',
      });
      await expectAnswers(again, 'storage-corrupt');
      await expectErasable(again, house, browser, task);
    },
  );

  it.each([
    ['flipped', 'CURRENT'],
    ['flipped', 'MANIFEST'],
    ['flipped', '.log'],
    ['deleted', 'CURRENT'],
    ['deleted', 'MANIFEST'],
    ['deleted', '.log'],
    ['deleted', 'leveldb'],
  ])(
    'whose files are %s (%s) is damaged, empty or whole, never a part; and can be erased',
    async (how, which) => {
      const key = await twin.call(({ deviceKey }) => deviceKey);
      await browser.close();
      for (const file of await storeFiles(which)) {
        if (how === 'deleted') await rm(file);
        else
          await writeFile(
            file,
            (await readFile(file)).map((byte, i) => (i % 7 === 3 ? byte ^ 0xff : byte)),
          );
      }
      browser = await launchChromiumProfile(profile);
      const again = await open(twin.subject);
      const kept = await again.call((twin) => twin.export());
      if (kept.available) {
        const { deviceKey, events, consents } = kept.data;
        expect([events.length, consents.length]).toEqual(deviceKey === key ? [2, 1] : [0, 0]);
      } else {
        expect(again.status).toMatchObject({ state: 'unavailable', reason: 'storage-corrupt' });
        await expectAnswers(again, 'storage-corrupt');
      }
      await expectErasable(again, house, browser, task);
    },
  );

  async function storeFiles(which: string): Promise<string[]> {
    const entries = await readdir(profile, { recursive: true, withFileTypes: true });
    const found = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => path.includes('WebStorage') && path.includes('leveldb') && path.includes(which));
    expect(found.length).toBeGreaterThan(0);
    return found;
  }
});

/** An expression that changes what is sealed in each row of a table, as somebody who has the profile might. */
function fillWithGarbage(table: string): string {
  return `(async () => {
    const [bucket] = await navigator.storageBuckets.keys();
    const { indexedDB } = await navigator.storageBuckets.open(bucket);
    const [{ name }] = await indexedDB.databases();
    const done = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const db = await done(indexedDB.open(name));
    const rows = db.transaction('${table}', 'readwrite').objectStore('${table}');
    for (const row of await done(rows.getAll())) {
      for (const field of ['sealed', 'wrapped'])
        if (field in row) row[field] = crypto.getRandomValues(new Uint8Array(99));
      await done(rows.put(row));
    }
    db.close();
  })()`;
}
