/** The demo's command as a process in an empty folder of the test's own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

const BIN = resolve(import.meta.dirname, '../../../demo/bin');
export const MINUTES = 60_000;

export interface Demo {
  child: ChildProcess;
  /** Everything on standard output and error so far. */
  text(): string;
  exit: Promise<number | null>;
}

interface Workplace {
  path(name: string): string;
  start(...args: string[]): Demo;
  /** `npm run evidence` in the same folder. */
  evidence(...args: string[]): Demo;
  /** Processes that work in the folder. */
  left(): { pid: number; args: string }[];
}

/** A folder for each test, gone after it. */
export function useWorkplace(): Workplace {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeep-demo-'));
    await chmod(folder, 0o711);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const run = (command: string, args: readonly string[]): Demo => {
    const child = spawn(process.execPath, [join(BIN, command), ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (part: Buffer) => (text += part.toString()));
    child.stderr.on('data', (part: Buffer) => (text += part.toString()));
    return { child, text: () => text, exit: new Promise((done) => child.once('close', done)) };
  };
  return {
    path: (name) => join(folder, name),
    start: (...args) => run('twinkeep-demo.js', args),
    evidence: (...args) => run('twinkeep-evidence.js', args),
    left: () =>
      spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter((line) => line.includes(folder))
        .map((line) => ({ pid: Number.parseInt(line, 10), args: line.trim().replace(/^\d+ /, '') })),
  };
}
