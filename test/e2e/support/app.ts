/**
 * A bank's web app for tests: pages under a strict content security policy, the bundles as they are shipped (the worker with the test's
 * own composition, see test/browser/app), and a back end that issues credentials.
 */
import { base64UrlToBytes } from '@twinkeep/audit';
import { importSigningKey, issueCredential } from '@twinkeep/protocol';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { build } from 'vite';
import type { World } from '../../support/world.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CACHE = join(ROOT, 'node_modules/.cache');
const ENTRIES = join(ROOT, 'test/browser/app');

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
    const { pathname } = new URL(request.url ?? '/', 'http://app');
    const send = (status: number, type: string, body: string | Uint8Array): void => {
      const sandbox = pathname === '/sandboxed' ? '; sandbox allow-scripts' : '';
      response.writeHead(status, {
        'content-type': type,
        'content-security-policy': policy(world) + sandbox,
        // A sandboxed page is of no origin, and must ask.
        'access-control-allow-origin': '*',
      });
      response.end(body);
    };
    if (pathname === '/' || pathname === '/sandboxed') return send(200, 'text/html', PAGE);
    if (pathname === '/credential' && world !== null) {
      void issue(world, request).then((jwt) => send(200, 'text/plain', jwt));
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
  await build({
    configFile: join(ROOT, 'edge-client/vite.config.mjs'),
    mode,
    logLevel: 'error',
    plugins: [
      {
        name: 'twinkeep-test-clear-numbers',
        enforce: 'pre',
        resolveId: (source, importer) =>
          source === '@twinkeep/protocol' && importer === join(ROOT, 'edge-client/round/report.ts')
            ? join(ENTRIES, 'protocol.ts')
            : null,
      },
    ],
    build: {
      lib: { entry: join(ENTRIES, `${mode}.ts`), formats: ['es'], fileName: () => `${mode}.js` },
      outDir: folder,
      emptyOutDir: false,
    },
  });
}

/** What names the person goes in the body: addresses, and answers that may be kept, end up in the files of the browser. */
async function issue({ folder, parties }: World, request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { subject, deviceKey } = JSON.parse(body) as { subject: string; deviceKey: string };
  const jwk = JSON.parse(await readFile(join(folder, 'issuer/key.json'), 'utf8')) as Parameters<
    typeof importSigningKey
  >[0];
  const { issuer, coordinator } = parties.trust;
  const claims = {
    sub: subject,
    devicePublicKey: base64UrlToBytes(deviceKey),
    maxTwins: 1,
    scope: 'device' as const,
  };
  const by = { id: issuer.id, key: await importSigningKey(jwk) };
  return issueCredential(claims, by, coordinator.id, new Date(), 3_600);
}
