/** The twin in a real Chromium: the bundles of the edge client from the benchmark's own entries, behind a small app of their own origin. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { build, runnerImport } from 'vite';
import { heldBytes } from './held-bytes.mjs';

const ROOT = resolve(import.meta.dirname, '../../..');

export async function openBrowserTwin(world) {
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'twinkeep-bench-'));
  await bundle('page', folder);
  await bundle('worker', folder);
  const server = await serve(world, folder);
  const { module } = await runnerImport(join(ROOT, 'test/support/chromium.ts'));
  const browser = await module.launchChromium();
  const page = await (await browser.newContext()).newPage();
  await page.goto(world.origin);
  await page.waitForFunction(() => 'bench' in globalThis);
  const memory = await watchMemory(page);
  return {
    version: browser.version(),
    begin: () => page.evaluate((options) => globalThis.bench.begin(options), world.person()),
    calls: (count) => page.evaluate((n) => globalThis.bench.calls(n), count),
    takePart: () => page.evaluate(() => globalThis.bench.takePart()),
    untilRound: (count) =>
      page.waitForFunction((n) => globalThis.bench.rounds.length >= n, count, { timeout: 600_000 }),
    rounds: () => page.evaluate(() => globalThis.bench.rounds),
    memory,
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As `edge-client/bundle` is made. */
async function bundle(name, folder) {
  const entry = join(import.meta.dirname, `${name}.mjs`);
  await build({
    configFile: join(ROOT, 'edge-client/vite.config.mjs'),
    mode: name,
    logLevel: 'error',
    build: {
      lib: { entry, formats: ['es'], fileName: () => `${name}.js` },
      outDir: folder,
      emptyOutDir: false,
    },
  });
}

/** Isolated from other origins, for which a browser gives exact clocks. */
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const PAGE = '<!doctype html><title>Bench</title><script type="module" src="/page.js"></script>';

async function serve(world, folder) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, world.origin);
    const send = (status, type, body) => {
      response.writeHead(status, { ...HEADERS, 'content-type': type });
      response.end(body);
    };
    if (pathname === '/') return send(200, 'text/html', PAGE);
    const body =
      pathname === '/credential'
        ? world.issue(searchParams.get('subject'), searchParams.get('deviceKey'))
        : readFile(join(folder, pathname));
    body.then(
      (text) => send(200, 'text/javascript', text),
      () => send(404, 'text/plain', ''),
    );
  });
  await new Promise((listening) => server.listen(new URL(world.origin).port, '127.0.0.1', listening));
  return server;
}

/**
 * Bytes that page and worker hold. The worker is a target of its own, which playwright gives no session for: messages to it are passed
 * through the page's.
 */
async function watchMemory(page) {
  const session = await page.context().newCDPSession(page);
  const waiting = new Map();
  const ofPage = { chunks: [], send: (method) => session.send(method) };
  const ofWorker = { chunks: [], send: sendToWorker };
  let worker = null;
  let last = 0;
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => ofPage.chunks.push(chunk));
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') worker = sessionId;
  });
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result, method, params } = JSON.parse(message);
    if (method === 'HeapProfiler.addHeapSnapshotChunk') ofWorker.chunks.push(params.chunk);
    waiting.get(id)?.(result);
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  async function sendToWorker(method) {
    const id = ++last;
    const answer = new Promise((answered) => waiting.set(id, answered));
    const message = JSON.stringify({ id, method });
    await session.send('Target.sendMessageToTarget', { sessionId: worker, message });
    return answer;
  }
  return async () => (await heldBytes(ofPage)) + (await heldBytes(ofWorker));
}
