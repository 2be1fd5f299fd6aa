/**
 * A bank's web app for tests: pages under a strict content security policy, the bundles as they are shipped (the worker with the test's
 * own composition, see worker.ts), and a back end that issues credentials. And the twin in a page, as a test drives it.
 */
import { base64UrlToBytes } from '@twinkeep/audit';
import type { Recorded, RoundState, Twin, TwinStatus } from '@twinkeep/edge-client';
import { importSigningKey, issueCredential, type Trust } from '@twinkeep/protocol';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import type { World } from '../../support/world.ts';
import type { BankPage, ToTestWorker } from './bank-page.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CACHE = join(ROOT, 'node_modules/.cache');

export interface BankApp {
  origin: string;
  /** Credentials are issued for this world's coordinator from now on. */
  serve(world: World): void;
  stop(): Promise<void>;
}

export async function startBankApp(): Promise<BankApp> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'twinkeep-app-'));
  await bundle('page', folder);
  await bundle('worker', folder);
  let world: World | null = null;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app');
    const send = (status: number, type: string, body: string | Uint8Array): void => {
      response.writeHead(status, { 'content-type': type, 'content-security-policy': policy(world) });
      response.end(body);
    };
    if (pathname === '/') return send(200, 'text/html', PAGE);
    if (pathname === '/credential' && world !== null) {
      void issue(world, searchParams).then((jwt) => send(200, 'text/plain', jwt));
      return;
    }
    readFile(join(folder, pathname)).then(
      (bytes) => send(200, extname(pathname) === '.js' ? 'text/javascript' : 'application/json', bytes),
      () => send(404, 'text/plain', 'not here'),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (served) => void (world = served),
    async stop() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const PAGE = '<!doctype html><title>Bank</title><h1>Bank</h1><script type="module" src="/page.js"></script>';

/** What docs/embed.md asks of a host app, and no more. */
function policy(world: World | null): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `connect-src 'self' ${world?.url ?? ''}`,
  ].join('; ');
}

/** As `edge-client/bundle` is made, from the test's own entries. */
async function bundle(mode: 'page' | 'worker', folder: string): Promise<void> {
  const entry = join(ROOT, `test/browser/app/${mode}.ts`);
  await build({
    configFile: join(ROOT, 'edge-client/vite.config.mjs'),
    mode,
    logLevel: 'error',
    build: {
      lib: { entry, formats: ['es'], fileName: () => `${mode}.js` },
      outDir: folder,
      emptyOutDir: false,
    },
  });
}

async function issue({ folder, parties }: World, asked: URLSearchParams): Promise<string> {
  const jwk = JSON.parse(await readFile(join(folder, 'issuer/key.json'), 'utf8')) as Parameters<
    typeof importSigningKey
  >[0];
  const { issuer, coordinator } = parties.trust;
  const claims = {
    sub: asked.get('subject') ?? '',
    devicePublicKey: base64UrlToBytes(asked.get('deviceKey') ?? ''),
    maxTwins: 1,
    scope: 'device' as const,
  };
  const by = { id: issuer.id, key: await importSigningKey(jwk) };
  return issueCredential(claims, by, coordinator.id, new Date(), 3_600);
}

export interface TwinInPage {
  page: Page;
  subject: string;
  status: TwinStatus;
  /** Calls the twin inside the page. */
  call<T, Argument>(use: (twin: Twin, argument: Argument) => Promise<T> | T, argument?: Argument): Promise<T>;
  record(events: readonly object[]): Promise<Recorded[]>;
  /** Every state of the round that the page was told, oldest first. */
  states(): Promise<RoundState[]>;
  untilState(wanted: Partial<RoundState>, seconds?: number): Promise<RoundState>;
  /** What the report of a round holds, before masks. */
  clear(): Promise<Int32Array[]>;
  /** To the test's own worker. */
  tell(message: ToTestWorker): Promise<void>;
}

export interface OpenOptions {
  task: string;
  subject?: string;
  trust?: Trust;
  coordinatorUrl?: string;
  /** Query of the worker's address, see worker.ts. */
  worker?: string;
}

declare global {
  // What the script of the page leaves within reach.
  var bank: BankPage;
}

export async function openTwin(
  app: BankApp,
  world: World,
  page: Page,
  options: OpenOptions,
): Promise<TwinInPage> {
  const subject = options.subject ?? randomBytes(16).toString('base64url');
  if (page.url() !== `${app.origin}/`) await page.goto(app.origin);
  await page.waitForFunction(() => 'bank' in globalThis);
  const status = await page.evaluate((start) => globalThis.bank.start(start), {
    subject,
    coordinatorUrl: options.coordinatorUrl ?? world.url,
    trust: options.trust ?? world.parties.trust,
    tasks: [options.task],
    workerUrl: `/worker.js?${options.worker ?? ''}`,
  });
  const self: TwinInPage = {
    page,
    subject,
    status,
    call: (use, argument) =>
      page.evaluate(`(${String(use)})(globalThis.bank.twin, ${JSON.stringify(argument ?? null)})`),
    record: (events) =>
      page.evaluate(async (all) => {
        const answers = [];
        for (const event of all) answers.push(await globalThis.bank.twin.record(event));
        return answers;
      }, events),
    states: () => page.evaluate(() => globalThis.bank.states),
    async untilState(wanted, seconds = 20) {
      const found = await page
        .waitForFunction(
          (fields) =>
            globalThis.bank.states.find((state) =>
              Object.entries(fields).every(([name, value]) => state[name as keyof RoundState] === value),
            ),
          wanted,
          { timeout: seconds * 1000 },
        )
        .catch(async (error: unknown) => {
          throw new Error(`never ${JSON.stringify(wanted)}: ${JSON.stringify(await self.states())}`, {
            cause: error,
          });
        });
      return (await found.jsonValue()) as RoundState;
    },
    clear: async () =>
      (await page.evaluate(() => globalThis.bank.clear)).map((words) => Int32Array.from(words)),
    tell: (message) => page.evaluate((data) => globalThis.bank.tell(data), message),
  };
  return self;
}

const DAY = 86_400_000;

/** Signals of one person for `smallTask`: numbers long ago, and what became of it. */
export function history(a: number, churned: 0 | 1, now: number = Date.now()): object[] {
  const event = (id: string, type: string, days: number, data: object): object => ({
    id,
    source: 'app',
    type,
    time: new Date(now - days * DAY).toISOString(),
    category: 'transactional',
    data,
  });
  return [
    event('facts', 'attribute.set', 60, { a, b: 3, c: 7 }),
    event('label', 'churn.observed', 20, { value: churned }),
  ];
}
