/** The configuration file and the command, as an operator meets them. The command runs from `dist`, as it does for everyone. */
import { readConfig } from '@twinkeep/coordinator';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { createParties, PUBLIC_URL, type Parties } from './support/parties.ts';

const COMMAND = join(import.meta.dirname, '../../coordinator/bin/twinkeep-coordinator.js');

let folder: string;
let parties: Parties;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-coordinator-'));
  parties = await createParties();
  await writeFile(join(folder, 'trust.json'), JSON.stringify(parties.trust));
  await writeFile(join(folder, 'key.json'), JSON.stringify({ ...parties.key, kid: 'whatever' }));
  await writeFile(join(folder, 'log.json'), JSON.stringify(parties.logKey));
  await writeFile(join(folder, 'vault.key'), `${Buffer.from(parties.vaultKey).toString('base64url')}\n`);
  await writeFile(join(folder, 'broken.json'), '{');
});
afterAll(() => rm(folder, { recursive: true }));

const FILES = {
  trustFile: 'trust.json',
  keyFile: './key.json',
  logKeyFile: 'log.json',
  vaultKeyFile: 'vault.key',
};

const NEW_FILES = { keyFile: 'new-key.json', logKeyFile: 'new-log.json', vaultKeyFile: 'new-vault.key' };

async function write(changes: object, base: object = {}): Promise<string> {
  const file = join(folder, 'coordinator.json');
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: PUBLIC_URL,
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    ...FILES,
    ...base,
    ...changes,
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

describe('the configuration file', () => {
  it('names its other files from where it stands, and has defaults that allow nothing', async () => {
    const config = await readConfig(await write({}));
    expect(config).toMatchObject({
      trust: parties.trust,
      allowedOrigins: [],
      logLevel: 'info',
    });
    const { kty, crv, x, d } = parties.key;
    expect(config.key).toEqual({ kty, crv, x, d });
  });

  it.each([
    ['an unknown setting', { colour: 'red' }, /colour/],
    ['a port that is none', { listen: { host: 'x', port: 70_000 } }, /listen\.port/],
    [
      'a public address with a slash at the end',
      { publicUrl: 'https://x.test/' },
      /publicUrl: an http or https address/,
    ],
    ['a public address of another kind', { publicUrl: 'ftp://x.test' }, /publicUrl/],
    ['another database', { databaseUrl: 'mysql://x' }, /databaseUrl: an address like postgres/],
    ['an origin with a path', { allowedOrigins: ['https://x.test/page'] }, /allowedOrigins\.0: an origin/],
    ['a wildcard', { allowedOrigins: ['*'] }, /allowedOrigins\.0/],
    ['a trust file that is none', { trustFile: 'key.json' }, /key\.json/],
    ['a key file that is none', { keyFile: 'trust.json' }, /trust\.json/],
    ['a file that is not JSON', { keyFile: 'broken.json' }, /broken\.json: is not JSON/],
    ['a vault key that is none', { vaultKeyFile: 'key.json' }, /key\.json: expected 32 bytes in base64url/],
    ['no vault key', { vaultKeyFile: undefined }, /vaultKeyFile/],
  ])('is refused with %s, and says where', async (_, changes, message) => {
    await expect(readConfig(await write(changes))).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is refused where a file is missing', async () => {
    for (const missing of [{ logKeyFile: 'none.json' }, { vaultKeyFile: 'none.key' }])
      await expect(readConfig(await write(missing))).rejects.toMatchObject({ code: 'config/unreadable' });
  });

  it('never repeats a key in what it says', async () => {
    const file = await write({ keyFile: 'short.json' });
    await writeFile(join(folder, 'short.json'), JSON.stringify({ ...parties.key, d: 'secret-part' }));
    const error = await readConfig(file).then(
      () => null,
      (refused: unknown) => refused as Error,
    );
    expect(error?.message).toContain('d:');
    expect(String(error?.stack)).not.toContain('secret-part');
    await writeFile(join(folder, 'short.key'), 'secret-part');
    const vault = await readConfig(await write({ vaultKeyFile: 'short.key' })).catch(
      (refused: unknown) => refused as Error,
    );
    expect(String(vault instanceof Error ? vault.stack : vault)).toContain('short.key');
    expect(String(vault instanceof Error ? vault.stack : vault)).not.toContain('secret-part');
  });
});

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

async function start(): Promise<{ child: ChildProcess; port: number }> {
  const file = await write({ databaseUrl: await createTestDatabase() });
  const child = fork(COMMAND, ['serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Not the test runner's, with which it would read our sources.
    execArgv: [],
  });
  const [message] = (await once(child, 'message')) as [{ type: string; port: number }];
  expect(message.type).toBe('ready');
  return { child, port: message.port };
}

describe('the command', () => {
  it('explains itself, and says when it was called wrongly', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('serve --config FILE') as string,
    });
    for (const args of [
      [],
      ['serve'],
      ['run', '--config', 'x'],
      ['serve', '--config', 'x', '--what'],
      ['init', '--config', 'x'],
    ])
      expect(await run(...args)).toMatchObject({
        code: 2,
        err: expect.stringContaining('serve --config FILE') as string,
      });
  });

  it('makes keys that are not there, overwrites none, and prints what others pin', async () => {
    const file = await write({ ...NEW_FILES });
    const first = await run('init', '--config', file, '--origin', 'bank.example/twinkeep');
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(await run('init', '--config', file, '--origin', 'bank.example/twinkeep')).toEqual(first);
    const { coordinator, log } = JSON.parse(first.out) as {
      coordinator: { key: string };
      log: { vkey: string };
    };
    expect(log.vkey).toMatch(/^bank\.example\/twinkeep\+/);
    for (const name of Object.values(NEW_FILES))
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    // With them in the trust file it starts as far as the database.
    const trust = {
      ...parties.trust,
      coordinator: { ...parties.trust.coordinator, key: coordinator.key },
      log,
    };
    await writeFile(join(folder, 'new-trust.json'), JSON.stringify(trust));
    const served = await run('serve', '--config', await write({ ...NEW_FILES, trustFile: 'new-trust.json' }));
    expect(served.err).toContain('ECONNREFUSED');
    expect(await run('init', '--config', file, '--origin', 'a name')).toMatchObject({
      code: 1,
      err: expect.stringContaining('vkey/malformed') as string,
    });
  });

  it('says in one line why it does not start', async () => {
    expect(await run('serve', '--config', join(folder, 'none.json'))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^twinkeep-coordinator: config\/unreadable: .*\n$/) as string,
    });
    const { code, err } = await run('serve', '--config', await write({}));
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') as string });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves until %s, and is gone within two seconds, polls and all',
    async (signal) => {
      const { child, port } = await start();
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      const parked = fetch(`http://127.0.0.1:${port}/v1/tasks/none/round?after=1&wait=20`).catch(
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      const before = Date.now();
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).toBe(0);
      expect(Date.now() - before).toBeLessThan(2_500);
      await parked;
    },
  );

  it('ends when the process that started it goes away', async () => {
    const { child } = await start();
    const before = Date.now();
    child.disconnect();
    await once(child, 'exit');
    expect(Date.now() - before).toBeLessThan(2_500);
  });
});
