/** The command as an operator uses it. */
import { vkeyToNoteKey } from '@twinkeep/audit';
import { readConfig } from '@twinkeep/witness';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { notes } from '../audit/vectors.ts';
import { createTestDatabase } from '../support/postgres.ts';

const BIN = resolve(import.meta.dirname, '../../audit/witness/bin/twinkeep-witness.js');

let folder: string;
let file: string;
let config: Record<string, unknown>;

const write = (change: Record<string, unknown> = {}): Promise<void> =>
  writeFile(file, JSON.stringify({ ...config, ...change }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-witness-'));
  file = join(folder, 'config.json');
  config = {
    listen: { host: '127.0.0.1', port: 0 },
    name: 'witness.example/w1',
    databaseUrl: await createTestDatabase(),
    keyFile: 'key.json',
    logs: [notes.own.logVkey],
  };
  await write();
});

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(...args: string[]): Promise<Ran> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [BIN, ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran;
    return { code, stdout, stderr };
  }
}

describe('init', () => {
  it('makes a key that only its owner reads, and says what trust files need; again, the same', async () => {
    const first = await run('init', '--config', file);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const identity = JSON.parse(first.stdout) as { name: string; vkey: string };
    expect(vkeyToNoteKey(identity.vkey)).toMatchObject({
      name: 'witness.example/w1',
      algorithm: 'cosignature',
    });
    expect((await stat(join(folder, 'key.json'))).mode & 0o777).toBe(0o600);
    expect(await run('init', '--config', file)).toEqual(first);
    expect(await run('keygen', '--config', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('config/key-exists') as string,
    });
  });

  it('does not go on with a key whose memory is gone, unless its owner says that there was none', async () => {
    await run('init', '--config', file);
    const key = await readFile(join(folder, 'key.json'), 'utf8');
    await write({ databaseUrl: await createTestDatabase() });
    expect(await run('serve', '--config', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('store/new') as string,
    });
    expect(await run('init', '--config', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('store/lost') as string,
    });
    expect(await readFile(join(folder, 'key.json'), 'utf8')).toBe(key);
    expect(await run('init', '--config', file, '--unused-key')).toMatchObject({ code: 0 });
  });

  it('takes a key that keygen has just made, once its owner says so', async () => {
    const { stdout } = await run('keygen', '--config', file);
    expect(await run('init', '--config', file)).toMatchObject({ code: 1 });
    expect(await run('init', '--config', file, '--unused-key')).toMatchObject({ code: 0, stdout });
  });
});

describe('serve', () => {
  it('says when it is up, and ends within two seconds of its parent', async () => {
    await run('init', '--config', file);
    const child = fork(BIN, ['serve', '--config', file], { silent: true, execArgv: [] });
    const [ready] = (await once(child, 'message')) as [{ type: string; port: number }];
    expect(ready).toMatchObject({ type: 'ready', name: 'witness.example/w1' });
    expect((await fetch(`http://127.0.0.1:${ready.port}/healthz`)).status).toBe(200);
    const ended = once(child, 'exit');
    child.disconnect();
    expect(await ended).toEqual([0, null]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a log under a key of another type', { logs: [notes.own.witnessVkey] }, 'logs.0'],
    ['one origin twice', { logs: [notes.own.logVkey, notes.own.logVkey] }, 'logs'],
    ['no log', { logs: [] }, 'logs'],
    ['a name with a space', { name: 'a b' }, 'name'],
    ['a field too many', { secret: 'x' }, 'secret'],
  ])('does not start with %s', async (_, change, named) => {
    await write(change);
    await expect(readConfig(file)).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining(named) as string,
    });
  });
});

it('explains itself to whoever asks wrongly', async () => {
  expect(await run()).toMatchObject({ code: 2 });
  expect(await run('serve')).toMatchObject({ code: 2 });
  expect(await run('serve', '--config', file, '--unused-key')).toMatchObject({ code: 2 });
  expect(await run('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('twinkeep-witness') as string,
  });
});
