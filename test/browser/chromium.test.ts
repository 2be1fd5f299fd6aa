/** The browser that all other browser tests stand on: it starts here, from npm alone, or says what is missing. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumLaunch, launchChromium, launchChromiumProfile } from '../support/chromium.ts';

const PAGE = '<!doctype html><title>Loopback</title>';
const server = createServer((_request, response) =>
  response.setHeader('content-type', 'text/html').end(PAGE),
);
let url: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('launchChromium', () => {
  it.each([
    ['with the libraries of this machine where it has them', {}],
    ['with the libraries of the package', { packagedLibraries: true }],
  ])('starts a browser with all that a twin needs, %s', async (_, options) => {
    const browser = await launchChromium(options);
    try {
      const page = await browser.newPage();
      await page.goto(url);
      expect(await page.title()).toBe('Loopback');
      expect(await page.evaluate(whatATwinNeeds)).toEqual({
        secure: true,
        ed25519: true,
        indexedDB: true,
        locks: true,
        channel: true,
        webAssembly: true,
      });
    } finally {
      await browser.close();
    }
  });

  it('keeps a profile in the folder it is given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
    try {
      for (const expected of [null, 'kept']) {
        const context = await launchChromiumProfile(folder);
        const page = await context.newPage();
        await page.goto(url);
        expect(await page.evaluate(() => localStorage.getItem('twin'))).toBe(expected);
        await page.evaluate(() => localStorage.setItem('twin', 'kept'));
        await context.close();
      }
      expect(await readdir(folder)).toContain('Default');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('says what is missing where the browser that was asked for is not there, or is none', async () => {
    await expect(launchChromium({ executable: '/no/such/chromium' })).rejects.toThrow(
      /no browser at \/no\/such\/chromium.*TWINKEEP_CHROMIUM/,
    );
    await expect(launchChromium({ executable: '/bin/false' })).rejects.toThrow(
      /Chromium at \/bin\/false did not start.*TWINKEEP_CHROMIUM/s,
    );
  });

  it('passes further arguments on and keeps its own', async () => {
    const { args } = await chromiumLaunch({ args: ['--lang=fr'] });
    expect(args).toEqual(
      expect.arrayContaining(['--headless', '--disable-background-networking', '--lang=fr']),
    );
  });
});

async function whatATwinNeeds(): Promise<Record<string, boolean>> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  return {
    secure: isSecureContext,
    ed25519: !pair.privateKey.extractable,
    indexedDB: 'indexedDB' in self,
    locks: 'locks' in navigator,
    channel: 'BroadcastChannel' in self,
    webAssembly: 'WebAssembly' in self,
  };
}
