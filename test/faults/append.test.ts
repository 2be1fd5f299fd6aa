/** The append path of the log, killed at one of its statements after the other: `npm test` does a share of what the command does. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';

const KILLS = Number(process.env['KILLS'] ?? 30);

it(`killed ${KILLS} times, the log is whole, has what was acknowledged, and goes on`, async () => {
  const command = join(import.meta.dirname, '../bench/kill-append.mjs');
  const args = [command, '--kills', String(KILLS), '--admin-url', inject('testPostgres')];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [, kills, places] = /^(\d+) kills: \d+ at (\d+) places/m.exec(stdout) ?? [];
  expect(Number(kills)).toBe(KILLS);
  // Another statement or moment nearly every time.
  expect(Number(places)).toBeGreaterThan(KILLS / 4);
  expect(stdout).toMatch(
    /^after each: fsck passed, nothing acknowledged was missing, the next append went on; [1-9]/m,
  );
});
