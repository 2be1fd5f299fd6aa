import { createRegistry, type Registry } from '@twinkeep/synthetic/node';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const adder = fileURLToPath(new URL('../support/add-versions.mjs', import.meta.url));
let folder: string;
let file: string;
let registry: Registry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-registry-'));
  file = join(folder, 'people.csv');
  await writeFile(file, `a\n${'x\n'.repeat(100_000)}`);
  registry = createRegistry(join(folder, 'data'), () => new Date('2026-01-31T12:00:00Z'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function add(name = 'people'): ReturnType<Registry['add']> {
  const data = await registry.store(file, 'text/csv');
  return registry.add({
    name,
    title: null,
    licence: 'CC0-1.0',
    rows: 100_000,
    schema: { columns: [{ kind: 'category', name: 'a', words: ['x'] }] },
    files: { data },
    provenance: { kind: 'stated', source: 'a test' },
    figures: null,
  });
}

function start(...count: string[]): ChildProcess {
  return spawn(process.execPath, [adder, join(folder, 'data'), file, ...count], { stdio: 'inherit' });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

/** Every version can be read, its files are what they were, and each knows the hash of the one before. */
async function expectWhole(): Promise<number> {
  const versions = await registry.list();
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, i) => i + 1));
  for (const [i, { files, previous }] of versions.entries()) {
    await registry.path(files.data);
    if (i === 0) expect(previous).toBeNull();
    else {
      const bytes = await readFile(join(folder, 'data', 'sets', 'people', `${i}.json`));
      expect(previous).toBe(`sha-256:${createHash('sha256').update(bytes).digest('base64url')}`);
    }
  }
  return versions.length;
}

describe('a registry', () => {
  it('gives every version a number, keeps equal bytes once, and reads what was added', async () => {
    const first = await add();
    expect([first.version, (await add()).version, (await add('others')).version]).toEqual([1, 2, 1]);
    expect(await registry.read('people@1')).toEqual(first);
    expect((await registry.read('people')).version).toBe(2);
    expect((await registry.list()).map(({ name, version }) => `${name}@${version}`)).toEqual([
      'others@1',
      'people@1',
      'people@2',
    ]);
    expect((await readdir(join(folder, 'data', 'objects'))).length).toBe(1);
    expect(first.created).toBe('2026-01-31T12:00:00.000Z');
  });

  it.each(['nobody', 'people@2', 'people@0', '../people', 'people@1@1', ''])(
    'has no %j',
    async (reference) => {
      await add();
      await expect(registry.read(reference)).rejects.toThrow(/there is no/);
    },
  );

  it('refuses names that are none, bytes that were changed, and a version that was', async () => {
    await expect(add('../x')).rejects.toThrow(/is no name/);
    const { files } = await add();
    const [object] = await readdir(join(folder, 'data', 'objects'));
    await appendFile(join(folder, 'data', 'objects', object as string), 'y\n');
    await expect(registry.path(files.data)).rejects.toThrow(/not those that were added/);
    await rm(join(folder, 'data', 'objects', object as string));
    await expect(registry.path(files.data)).rejects.toThrow(/is not there/);
    await writeFile(join(folder, 'data', 'sets', 'people', '1.json'), '{"format":1}');
    await expect(registry.read('people')).rejects.toThrow(/1\.json: /);
  });

  it('three processes at once: every version has a number of its own, none is lost', async () => {
    const codes = await Promise.all([start('12'), start('12'), start('12')].map(ended));
    expect(codes).toEqual([0, 0, 0]);
    expect(await expectWhole()).toBe(36);
    expect(await readdir(join(folder, 'data', 'partial'))).toEqual([]);
  });

  it('a process killed at any moment leaves nothing half-written', async () => {
    let before = 0;
    for (let round = 0; round < 5; round++) {
      const child = start();
      const end = ended(child);
      // As soon as it is at work; where in a write the signal finds it is chance.
      while ((await readdir(join(folder, 'data', 'sets', 'people')).catch(() => [])).length < before + 1)
        await new Promise((resolve) => setTimeout(resolve, 1));
      child.kill('SIGKILL');
      await end;
      const after = await expectWhole();
      expect(after).toBeGreaterThan(before);
      before = after;
    }
  });

  it('clears what dead processes of this machine left, and nobody else', async () => {
    const partial = join(folder, 'data', 'partial');
    await mkdir(partial, { recursive: true });
    const own = encodeURIComponent(hostname());
    // No process has this number: the largest of Linux is 2^22.
    const [dead, alive, elsewhere] = [`${own}~99999999~a`, `${own}~${process.pid}~b`, 'elsewhere~99999999~c'];
    for (const name of [dead, alive, elsewhere]) await writeFile(join(partial, name), 'half');
    await add();
    expect((await readdir(partial)).toSorted()).toEqual([alive, elsewhere].toSorted());
  });
});
