import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { tilesFor, utf8ToBytes } from '@twinkeep/audit';

import { cosigned, createTiledLog, origin, policyEntry, vkey, type Files } from './tiled.ts';
import { numberedLeaves } from './tree.ts';

const bin = fileURLToPath(new URL('../../audit/auditor/bin/twinkeep-audit.js', import.meta.url));
const OTHER_LOG = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const entry = policyEntry(590, 260);
const log = createTiledLog(numberedLeaves(600).with(590, entry.entry));

let folder: string;
let server: Server;
let url: string;
/** What the server serves, changed by the tests. */
let served: Files;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-tiles-'));
  server = createServer((request, response) => {
    const bytes = served.get(request.url!.replace('/log/', ''));
    response.statusCode = bytes === undefined ? 404 : 200;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
  served = await log.publish(600);
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe('twinkeep-audit mirror', () => {
  test('copies a log from a server, continues the copy, and what it wrote verifies', async () => {
    const copy = join(folder, 'copy');
    served = await log.publish(300);
    const first = await run('mirror', url, copy, '--key', vkey);
    expect(first.stderr).toBe('');
    expect(first.stdout).toMatch(/entries +300, of which 300 are new/);
    expect(first.status).toBe(0);

    served = await log.publish(600);
    const second = await run('mirror', url, copy, '--key', vkey, '--json');
    const files = [...tilesFor(600, 300)].length + 1;
    expect(JSON.parse(second.stdout)).toEqual({
      verified: true,
      origin,
      size: 600,
      from: 300,
      files,
      witnesses: [],
    });
    for (const [path, bytes] of served)
      expect(new Uint8Array(await readFile(join(copy, path)))).toEqual(bytes);
    const left = await readdir(copy, { recursive: true });
    expect(left.filter((name) => name.split('/').some((part) => part.startsWith('.')))).toEqual([]);

    const checked = await run('fsck', copy, '--key', vkey);
    expect(checked.stdout).toMatch(/^Verified: every entry and every tile\.\n/);
    expect(checked.stdout).toMatch(/entries +600, all present and in order/);
    expect(checked.status).toBe(0);
  });

  test('writes nothing that is wrong, and says what is', async () => {
    const copy = join(folder, 'forged');
    const whole = await log.publish(600);
    const bundle = whole.get('tile/entries/001')!;
    served = new Map(whole).set('tile/entries/001', bundle.with(9, bundle[9]! ^ 1));
    const { status, stdout } = await run('mirror', url, copy, '--key', vkey);
    expect(stdout).toMatch(/^NOT verified\.\n.*tile\/entries\/001: entry 25[67]/);
    expect(status).toBe(1);
    expect(await readdir(join(copy, 'tile/entries'))).toEqual(['000']);
    served = whole;
    expect((await run('mirror', url, copy, '--key', vkey)).status).toBe(0);
  });

  test('does not write over a copy of another log', async () => {
    const copy = join(folder, 'other');
    await mkdir(copy);
    await writeFile(join(copy, 'checkpoint'), 'note\n');
    const { status, stdout } = await run('mirror', url, copy, '--key', vkey);
    expect(stdout).toContain('the copy in');
    expect(status).toBe(1);
    expect(await readFile(join(copy, 'checkpoint'), 'utf8')).toBe('note\n');
  });
});

describe('twinkeep-audit fsck', () => {
  test('of a server: an earlier checkpoint, a policy, pruned entries', async () => {
    const [note, witness] = await cosigned(await log.noteOf(600), 'w.example', 5);
    served = await log.publish(600, { note, pruning: entry.pruning });
    expect(served.has('tile/entries/000')).toBe(false);
    const earlier = await save('earlier', await log.noteOf(500));
    const policy = await save('policy', `witness w ${witness}\nquorum w\n`);
    const options = ['--key', vkey, '--checkpoint', earlier, '--policy', policy];
    const words = await run('fsck', url, ...options);
    expect(words.stdout).toMatch(/entries +260 to 599\n/);
    expect(words.stdout).toMatch(/pruned +below entry 260/);
    expect(words.stdout).toMatch(/cosigned by +w\n/);
    expect(words.stdout).toMatch(/continues +the earlier checkpoint of 500/);
    const { stdout, status } = await run('fsck', url, ...options, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verified: true,
      size: 600,
      minimumIndex: 260,
      witnesses: ['w'],
      earlierSize: 500,
    });
    expect(status).toBe(0);
    served = await log.publish(600);
    expect(JSON.parse((await run('fsck', url, ...options, '--json')).stdout)).toMatchObject({
      verified: false,
      path: 'checkpoint',
    });
  });

  test('with the keys of a trust file, and the witnesses that it demands', async () => {
    const [note, witness] = await cosigned(await log.noteOf(600), 'w.example', 5);
    const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');
    const operator = 'Example';
    const trust = {
      v: 1,
      coordinator: { id: 'urn:example:coordinator', operator, key: key(1) },
      log: { vkey },
      witnesses: { threshold: 1, witnesses: [{ name: 'w.example', operator, vkey: witness }] },
      helpers: [{ j: 1, operator, key: key(2) }],
      issuer: { id: 'urn:example:issuer', keys: [key(3)] },
    };
    const file = await save('trust.json', JSON.stringify(trust));
    served = await log.publish(600);
    expect(await run('fsck', url, '--trust', file)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('cosigned by nobody') as string,
    });
    served = await log.publish(600, { note });
    const { status, stdout } = await run('fsck', url, '--trust', file);
    expect(stdout).toMatch(/cosigned by +w\.example\n/);
    expect(status).toBe(0);
    const nobody = await save('nobody.json', JSON.stringify({ ...trust, witnesses: null }));
    expect((await run('mirror', url, join(folder, 'trusted'), '--trust', nobody)).status).toBe(0);
    const other = await save('other-log', `log ${OTHER_LOG}\nwitness w ${witness}\nquorum w\n`);
    const contradictions = [
      ['--trust', file, '--key', vkey],
      ['--trust', file, '--policy', other],
      ['--trust', other],
      ['--key', vkey, '--policy', other],
    ];
    for (const outcome of await Promise.all(contradictions.map((args) => run('fsck', url, ...args))))
      expect(outcome).toMatchObject({ status: 2, stdout: '' });
  });

  test('of a directory with one byte changed, or one file gone or too long', async () => {
    const copy = join(folder, 'damaged');
    const files = await log.publish(600);
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(copy, path)), { recursive: true });
      await writeFile(join(copy, path), bytes);
    }
    const tile = join(copy, 'tile/0/001');
    await writeFile(tile, files.get('tile/0/001')!.with(100, 0));
    const changed = await run('fsck', copy, '--key', vkey);
    expect(changed.stdout).toContain('tile/0/001: does not hash into the tile above it');
    expect(changed.status).toBe(1);
    await unlink(tile);
    expect((await run('fsck', copy, '--key', vkey)).stdout).toContain('tile/0/001: is not there');
    await writeFile(tile, new Uint8Array(8_193));
    expect((await run('fsck', copy, '--key', vkey)).stdout).toContain('tile/0/001: is too long');
  });

  test('what cannot be tried is no verdict', async () => {
    const policy = await save('bad-policy', 'quorum\n');
    const impossible = [
      ['fsck', url],
      ['fsck', url, folder, '--key', vkey],
      ['mirror', url, '--key', vkey],
      ['mirror', url, join(folder, 'x'), '--key', vkey, '--checkpoint', policy],
      ['fsck', url, '--key', vkey, '--policy', policy],
      ['fsck', url, '--key', vkey, '--policy', join(folder, 'nowhere')],
      ['fsck', 'http://127.0.0.1:1/log', '--key', vkey],
      ['verify', url, '--key', vkey, '--policy', policy],
    ];
    const outcomes = await Promise.all(impossible.map((args) => run(...args)));
    for (const [i, { status, stdout, stderr }] of outcomes.entries()) {
      expect([status, stdout], impossible[i]!.join(' ')).toEqual([2, '']);
      expect(stderr).toMatch(/^twinkeep-audit: /);
    }
    const server404 = await run('fsck', `${url}/nothing-here`, '--key', vkey);
    expect(server404).toMatchObject({ status: 1, stdout: expect.stringContaining('checkpoint') as string });
    const stranger = await save('stranger', utf8ToBytes('x\n'));
    expect((await run('fsck', url, '--key', vkey, '--checkpoint', stranger)).stdout).toContain(
      'the earlier checkpoint',
    );
  });
});

async function save(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
