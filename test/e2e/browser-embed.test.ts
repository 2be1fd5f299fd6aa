/** docs/embed.md is true: its ten lines, built as a host app would build them, under its policy, make a twin that is in a round. */
import { base64UrlToBytes } from '@twinkeep/audit';
import { importSigningKey, issueCredential, type TaskSpec } from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createWorld, smallTask, type World } from '../support/world.ts';
import { PATIENT, startOthers } from './support/house.ts';
import { history } from './support/twin-tab.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ADDRESS_IN_THE_DOCS = 'https://twin.bank.example';

describe('docs/embed.md', { timeout: 300_000 }, () => {
  let docs: string;
  let folder: string;
  let world: World;
  let server: Server;
  let origin: string;
  let browser: Browser;
  let subject: string;
  let task: TaskSpec;
  let tries = 0;

  beforeAll(async () => {
    docs = await readFile(join(ROOT, 'docs/embed.md'), 'utf8');
    folder = await mkdtemp(join(await cache(), 'twinkeep-embed-'));
    await buildHostApp(folder, firstBlock(docs, 'js'));
    server = createServer((request, response) => {
      void answer(request).then(({ status, type, body }) => {
        response.writeHead(status, {
          'content-type': type,
          'content-security-policy': policy(),
          'cache-control': 'no-store',
        });
        response.end(body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    world = await createWorld(2, undefined, [origin]);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await world.stop();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('says ten lines, and means ten', () => {
    expect(firstBlock(docs, 'js').trimEnd().split('\n')).toHaveLength(10);
  });

  it('makes a twin that takes signals in, asks, and is in the sum of a round', async () => {
    subject = randomBytes(16).toString('base64url');
    const floors = { nMin: 2, nTarget: 3, minTwins: 2, maxTwins: 1000 };
    task = smallTask(`embed-${tries++}`, { ...PATIENT, floors });
    await world.publish(task);
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(origin);
    const rounds = await startOthers(world, task, 2);
    // A click or an event before the twin is there is lost; the same again changes nothing.
    let open = true;
    const using = (async () => {
      for (; open; await pause(250)) await use(page);
    })();
    const first = await rounds.endRound(1).finally(() => (open = false));
    await using;
    expect(first).toMatchObject({ status: 'sealed', count: 3, twins: 5 });
    expect(errors).toEqual([]);
  });

  async function use(page: Page): Promise<void> {
    await page.click('#yes');
    for (const detail of history(9, 1))
      await page.evaluate(
        `dispatchEvent(new CustomEvent('bank:event', { detail: ${JSON.stringify(detail)} }))`,
      );
  }

  function policy(): string {
    const header = firstBlock(docs, 'http').trim();
    expect(header).toContain(ADDRESS_IN_THE_DOCS);
    return header.replace('Content-Security-Policy: ', '').replace(ADDRESS_IN_THE_DOCS, world.url);
  }

  interface Answer {
    status: number;
    type: string;
    body: string | Uint8Array;
  }

  /** The host app's back end, for one person who is signed in. */
  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = new URL(request.url ?? '/', 'http://app').pathname;
    if (path === '/twin/config')
      return { status: 200, type: 'application/json', body: JSON.stringify(config()) };
    if (path === '/twin/credential') return { status: 200, type: 'text/plain', body: await issue(request) };
    const file = join(folder, 'dist', path === '/' ? 'index.html' : path);
    return readFile(file).then(
      (body) => ({ status: 200, type: TYPES[extname(file)] ?? 'application/octet-stream', body }),
      () => ({ status: 404, type: 'text/plain', body: 'not here' }),
    );
  }

  function config(): object {
    const notice = { id: 'notice', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };
    const { trust } = world.parties;
    const controller = 'https://bank.example';
    return { coordinatorUrl: world.url, trust, controller, subject, tasks: [task.taskId], notice };
  }

  async function issue(request: IncomingMessage): Promise<string> {
    let deviceKey = '';
    for await (const chunk of request) deviceKey += String(chunk);
    const jwk = JSON.parse(await readFile(join(world.folder, 'issuer/key.json'), 'utf8')) as Parameters<
      typeof importSigningKey
    >[0];
    const issuerKey = await importSigningKey(jwk);
    const { trust } = world.parties;
    return issueCredential(
      { sub: subject, devicePublicKey: base64UrlToBytes(deviceKey), maxTwins: 1, scope: 'device' },
      { id: trust.issuer.id, key: issuerKey },
      trust.coordinator.id,
      new Date(),
      3_600,
    );
  }
});

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Inside the repository, where the packages are found as in a host app. */
async function cache(): Promise<string> {
  const path = join(ROOT, 'node_modules/.cache');
  await mkdir(path, { recursive: true });
  return path;
}

async function buildHostApp(folder: string, script: string): Promise<void> {
  await writeFile(join(folder, 'app.js'), script);
  await writeFile(
    join(folder, 'index.html'),
    '<!doctype html><title>Bank</title><button id="yes">Yes</button><script type="module" src="./app.js"></script>',
  );
  await build({
    configFile: false,
    root: folder,
    logLevel: 'error',
    resolve: { conditions: ['@twinkeep/source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: { target: 'es2022', modulePreload: { polyfill: false } },
  });
}

function firstBlock(docs: string, language: string): string {
  const block = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1];
  if (block === undefined) throw new Error(`no block of ${language}`);
  return block;
}
