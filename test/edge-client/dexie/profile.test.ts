/**
 * What lies on the disk: the files of a real profile, searched for what was stored, before and after it is erased, and after the browser
 * was killed or its files were damaged.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killBrowser } from '../../support/browser-processes.ts';
import { launchChromiumProfile } from '../../support/chromium.ts';
import { contains } from '../../support/haystack.ts';
import { inTab, openTab, type Tab } from './in-tab.ts';
import { SUBJECT } from './subject.ts';
import type { Look, Planted } from './tab.ts';

const ROOT_KEY = Buffer.from('c0ffee00deadbeef0123456789abcdef5ca1ab1e0badf00dfeedfacecafebabe', 'hex');

const CANARIES: Record<Planted | 'event' | 'attribute' | 'value' | 'binding', string> = {
  event: 'event:Vq81sLxw',
  attribute: 'attributeXk29dPqz',
  value: 'value Mznb7Ytr0',
  binding: 'crm:binding-Lw4kQe7',
  checkpoint: 'checkpoint Hg53aUvb',
  task: 'task-Rj6tNfo1',
  round: 'round-Ce9wKyi2',
  model: 'model-Bs8xGzu3',
  header: 'header-Dt7vFah4',
  report: 'report Eo2qJmp5',
  memoName: 'memo name Ir1lOck6',
  memo: 'memo Au0nWed8',
};

/** With what the consents and events of the fixtures say. */
const personal = [SUBJECT, 'bank.example', 'behavioral', ...Object.values(CANARIES)];

const CONTROL = 'control-Yb3hTgn7';

let folder: string;
let context: BrowserContext;
let tab: Tab;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-profile-'));
  await launch();
});
afterEach(async () => {
  await context.close().catch(() => {});
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function launch(): Promise<void> {
  context = await launchChromiumProfile(folder);
  tab = await openTab(context);
}

async function relaunch(): Promise<void> {
  await context.close();
  await launch();
}

async function files(): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({ path, bytes: await readFile(path).catch(() => Buffer.alloc(0)) })),
  );
}

/** Which of these stand in some file: raw, hex or base64, of their UTF-8 or of their UTF-16. */
async function found(needles: readonly (string | Uint8Array)[]): Promise<(string | Uint8Array)[]> {
  const all = await files();
  expect(all.length).toBeGreaterThan(20);
  const spellings = (needle: string | Uint8Array): Uint8Array[] =>
    typeof needle === 'string' ? [Buffer.from(needle), Buffer.from(needle, 'utf16le')] : [needle];
  return needles.filter((needle) =>
    spellings(needle).some((spelling) => all.some(({ bytes }) => contains(bytes, spelling))),
  );
}

/** A store with everything in it, and something that is not in it, in the clear beside it. */
async function fill(): Promise<void> {
  expect(await inTab(tab, 'open', { rootKey: [...ROOT_KEY] })).toBe('created');
  await inTab(tab, 'enrol', ['behavioral', 'feedback'], [CANARIES.binding]);
  const data = { [CANARIES.attribute]: CANARIES.value };
  expect(await inTab(tab, 'record', CANARIES.event, data)).toBe(1);
  for (let i = 0; i < 20; i++) await inTab(tab, 'record', `${CANARIES.event}${i}`, data, 'feedback');
  await inTab(tab, 'plant', CANARIES);
  await inTab(tab, 'withdrawAll', ['feedback']);
  await tab.page.evaluate(async (text) => {
    const request = indexedDB.open('control');
    await new Promise((resolve) => {
      request.addEventListener('upgradeneeded', () => request.result.createObjectStore('rows').add(text, 1));
      request.addEventListener('success', resolve);
    });
    request.result.close();
  }, CONTROL);
}

describe('the files of the profile', () => {
  it('never hold anything of the person, and hold neither keys nor ciphertext after an erasure', async () => {
    await fill();
    const sealed = (await inTab(tab, 'ciphertexts')).map((text) => Buffer.from(text, 'base64'));
    expect(sealed.length).toBeGreaterThan(10);
    await relaunch();
    expect(await found([CONTROL])).toEqual([CONTROL]);
    expect(await found(personal)).toEqual([]);
    // As cipher.ts says: whoever has the files has the key, so only its end is an erasure.
    expect(await found([ROOT_KEY])).toEqual([ROOT_KEY]);
    expect((await found(sealed)).length).toBeGreaterThan(0);

    expect(await inTab(tab, 'open')).toBe('found');
    expect(((await inTab(tab, 'look')) as Look).ids).toEqual([CANARIES.event]);
    expect(await inTab(tab, 'eraseAll')).toEqual({ files: 'removed' });
    // While the browser still runs, and after it has gone.
    for (const when of ['running', 'closed']) {
      if (when === 'closed') await context.close();
      expect(await found([CONTROL]), when).toEqual([CONTROL]);
      expect(await found([...personal, ROOT_KEY, ...sealed]), when).toEqual([]);
    }
  });

  it('hold nothing of the person where the store lies in no bucket either, before and after an erasure', async () => {
    expect(await inTab(tab, 'open', { withoutBuckets: true })).toBe('created');
    await inTab(tab, 'enrol', ['behavioral'], [CANARIES.binding]);
    await inTab(tab, 'record', CANARIES.event, { [CANARIES.attribute]: CANARIES.value });
    await inTab(tab, 'plant', CANARIES);
    await relaunch();
    expect(await found(personal)).toEqual([]);
    expect(await inTab(tab, 'open')).toBe('found');
    expect(await inTab(tab, 'eraseAll')).toEqual({ files: 'deleted' });
    await context.close();
    expect(await found(personal)).toEqual([]);
  });
});

describe('a browser that is killed', () => {
  it('while a tab writes leaves a store that is whole, with everything it was told of', async () => {
    await inTab(tab, 'open');
    await inTab(tab, 'enrol', ['behavioral']);
    const told: string[] = [];
    await tab.page.exposeFunction('told', (id: string) => void told.push(id));
    inTab(tab, 'recordOnAndOn', 'e').catch(() => {});
    await expect.poll(() => told.length).toBeGreaterThan(5);
    await killBrowser(context, folder);
    await launch();
    expect(await inTab(tab, 'open')).toBe('found');
    const { ids, features, consents } = (await inTab(tab, 'look')) as Look;
    expect(ids).toEqual(expect.arrayContaining(told));
    expect(ids.length - told.length).toBeLessThanOrEqual(1);
    expect({ features, consents }).toEqual({ features: ids.length % 256, consents: 1 });
    expect(await inTab(tab, 'record', 'after')).toBe(1);
  });

  it('while it erases leaves nothing that opens', async () => {
    await fill();
    inTab(tab, 'eraseAll').catch(() => {});
    await killBrowser(context, folder);
    await launch();
    const opened = await inTab(tab, 'open');
    // Killed before the first write of the erasure it is the old store, else a new one.
    expect(['created', 'found']).toContain(opened);
    const look = await inTab(tab, 'look');
    expect(opened === 'found' ? (look as Look).ids : look).toEqual(
      opened === 'found' ? [CANARIES.event] : 'store/unknown-twin',
    );
    expect(await inTab(tab, 'eraseAll')).toEqual({ files: 'removed' });
    expect(await found([...personal, ROOT_KEY])).toEqual([]);
  });
});

describe('damaged files', () => {
  it.each(['CURRENT', 'MANIFEST', '.log', '.ldb'])(
    '%s: opens with a stated outcome, and can be erased',
    async (which) => {
      await inTab(tab, 'open');
      await inTab(tab, 'enrol', ['behavioral']);
      for (let i = 0; i < 5; i++) await inTab(tab, 'record', `e${i}`);
      // LevelDB writes a table file when its log holds 4 MB.
      expect(await inTab(tab, 'writeMegabytes', 6)).toBeNull();
      await inTab(tab, 'record', 'e5');
      await context.close();
      const damaged = (await files()).filter(
        ({ path }) => path.includes('WebStorage') && path.includes('leveldb') && path.includes(which),
      );
      expect(damaged.length).toBeGreaterThan(0);
      for (const { path, bytes } of damaged)
        await writeFile(
          path,
          bytes.map((byte, i) => (i % 7 === 3 ? byte ^ 0xff : byte)),
        );

      await launch();
      const opened = await inTab(tab, 'open');
      expect(['created', 'found', 'store/corrupt', 'store/unreadable']).toContain(opened);
      if (opened === 'found') {
        const look = await inTab(tab, 'look');
        if (typeof look !== 'string') expect(look.features).toBe(look.ids.length);
      }
      expect(await inTab(tab, 'eraseUnopened', false)).toEqual({ files: 'removed' });
      expect(await inTab(tab, 'open')).toBe('created');
      await inTab(tab, 'enrol', ['behavioral']);
      expect(await inTab(tab, 'record', 'e1')).toBe(1);
    },
  );
});
