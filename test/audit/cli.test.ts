import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bytesToBase64, type LogHead } from '@twinkeep/audit';

import { exportedText, logHeads, origin, vkey } from './exported.ts';

const bin = fileURLToPath(new URL('../../audit/auditor/bin/twinkeep-audit.js', import.meta.url));

let folder: string;
let heads: LogHead[];
let text: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-audit-'));
  heads = await logHeads();
  text = await exportedText(heads.at(-1)!);
  file = await save('log.ndjson', text);
});
afterAll(() => rm(folder, { recursive: true }));

describe('twinkeep-audit verify', () => {
  test('says in words what it verified', async () => {
    const { status, stdout, stderr } = await run('verify', file, '--key', vkey);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Verified\.\n/);
    expect(stdout).toContain(origin);
    expect(stdout).toContain(bytesToBase64(heads.at(-1)!.root));
    expect(stdout).toMatch(/entries +7, all present/);
    expect(stdout).toMatch(/bodies +2 disclosed/);
    expect(stdout).toMatch(/consent\.granted +2\n/);
    expect(status).toBe(0);
  });

  test('takes the key from a file, and an earlier checkpoint', async () => {
    const key = await save('key', `${vkey}\n`);
    const earlier = await save('checkpoint', heads[2]!.note);
    const { status, stdout } = await run('verify', file, '--key', key, '--checkpoint', earlier);
    expect(stdout).toMatch(/continues +the earlier checkpoint of 3 entries/);
    expect(status).toBe(0);
  });

  test('prints one JSON object on request', async () => {
    const good = await run('verify', file, '--key', vkey, '--json');
    expect(good.status).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      verified: true,
      origin,
      size: 7,
      root: bytesToBase64(heads.at(-1)!.root),
      disclosed: 2,
      types: { 'consent.withdrawn': 1 },
    });
    const bad = await run(
      'verify',
      await save('bad', text.replace('churn', 'spend')),
      '--key',
      vkey,
      '--json',
    );
    expect(bad.status).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({ verified: false, code: 'export/disagrees', line: 5 });
  });

  test('refuses a file with one byte changed, and says where', async () => {
    const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)].slice(0, -1);
    expect(lineStarts).toHaveLength(10);
    for (const [i, start] of lineStarts.entries()) {
      const at = start + 20;
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      const { status, stdout } = await run('verify', await save(`changed-${i}`, changed), '--key', vkey);
      expect(stdout).toMatch(/^NOT verified\.\n.*, line \d+: /);
      expect(status).toBe(1);
    }
  });

  test('refuses another key, and a checkpoint that the log does not continue', async () => {
    const other = 'twin.example/audit+a6478ebd+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4';
    expect(await run('verify', file, '--key', other)).toMatchObject({ status: 1 });
    const short = await save('short', await exportedText(heads[3]!));
    const later = await save('later', heads[5]!.note);
    const { status, stdout } = await run('verify', short, '--key', vkey, '--checkpoint', later);
    expect(stdout).toContain('the log has 4 leaves, fewer than 6 seen earlier');
    expect(status).toBe(1);
    const broken = await save('broken', heads[5]!.note.slice(1));
    expect(await run('verify', file, '--key', vkey, '--checkpoint', broken)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('the earlier checkpoint: ') as string,
    });
  });

  test('does not let the file write to the terminal', async () => {
    const escape = text.replace('"origin":"bank', '"origin":"\\u001b[2Jbank');
    const { status, stdout } = await run('verify', await save('escape', escape), '--key', vkey);
    expect(stdout).toContain('the header names ?[2Jbank');
    expect(status).toBe(1);
  });

  test.each<[string, () => string[]]>([
    ['no command', () => []],
    ['another command', () => ['check', file]],
    ['no file', () => ['verify', '--key', vkey]],
    ['two files', () => ['verify', file, file, '--key', vkey]],
    ['no key', () => ['verify', file]],
    ['a key that is none', () => ['verify', file, '--key', 'nonsense']],
    ['a key file that holds none', () => ['verify', file, '--key', file]],
    ['an unknown option', () => ['verify', file, '--key', vkey, '--force']],
    ['a file that is not there', () => ['verify', join(folder, 'absent'), '--key', vkey]],
    ['a folder', () => ['verify', folder, '--key', vkey]],
    [
      'a checkpoint that is not there',
      () => ['verify', file, '--key', vkey, '--checkpoint', join(folder, 'absent')],
    ],
  ])('cannot try with %s', async (_, args) => {
    const { status, stdout, stderr } = await run(...args());
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^twinkeep-audit: .+\nTry: twinkeep-audit --help\n$/);
    expect(status).toBe(2);
  });

  test('explains itself', async () => {
    const { status, stdout } = await run('--help');
    expect(stdout).toMatch(/^Usage: twinkeep-audit verify FILE KEYS/);
    expect(status).toBe(0);
  });
});

async function save(name: string, contents: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
}

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], (_, stdout, stderr) => {
      resolve({ status: child.exitCode!, stdout, stderr });
    });
  });
}
