/**
 * A browser and a server agree on every byte: what a page computes from fixed inputs is what Node computes from them, with WebCrypto
 * in the one and `node:crypto` in the other, as a browser's twin and a region node do in one round.
 */
import { createCipheriv } from 'node:crypto';
import { join } from 'node:path';
import type { Browser, JSHandle } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MaskPrg } from '@twinkeep/protocol';
import { launchChromium } from '../../support/chromium.ts';
import { openModule } from '../page.ts';
import * as node from './compute.ts';

const nodePrg: MaskPrg = async (key, words) => {
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(4 * words));
  return new Uint32Array(Uint8Array.from(stream).buffer);
};

let browser: Browser;
let page: JSHandle<typeof node>;

beforeAll(async () => {
  browser = await launchChromium();
  page = (await openModule<typeof node>(browser, join(import.meta.dirname, 'compute.ts'))).module;
});
afterAll(() => browser.close());

describe('Chromium and Node', () => {
  it('compute the same masks, vectors, weights, canonical JSON, signatures and report', async () => {
    const inNode = await node.fingerprints(nodePrg);
    const inPage = await page.evaluate((module) => module.fingerprints());
    expect(inPage).toEqual(inNode);
    expect(Object.keys(inNode).length).toBeGreaterThan(20);
    // One fingerprint for all would be equal too.
    expect(new Set(Object.values(inNode)).size).toBe(Object.keys(inNode).length);
  });

  it("read each other's reports", async () => {
    const fromNode = await node.makeReport(nodePrg);
    const fromPage = await page.evaluate((module) => module.makeReport());
    const inPage = await page.evaluate((module, report) => module.readReport(report), fromNode);
    expect(inPage).toEqual(node.readReport(fromPage));
    expect(inPage.members).toHaveLength(60);
    // Sealed boxes differ each time, and with them header and signature.
    expect(fromPage).not.toBe(fromNode);
    expect(fromPage).toHaveLength(fromNode.length);
  });
});
