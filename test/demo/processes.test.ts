import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProcesses, type Processes, type Program } from '../../demo/processes.ts';

let folder: string;
let ended: string[];
let processes: Processes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-processes-'));
  ended = [];
  processes = createProcesses(folder, ({ name }, how) => ended.push(`${name} ${how}`));
});
afterEach(async () => {
  await processes.close();
  await rm(folder, { recursive: true });
});

async function program(name: string, code: string): Promise<Program> {
  const script = join(folder, `${name}.mjs`);
  await writeFile(script, code);
  return { name, script, args: [] };
}

const READY = `console.log('pid', process.pid); process.send({ type: 'ready' });`;
const ALIVE = `setInterval(() => {}, 1000);`;
const pidOf = async (name: string): Promise<number> =>
  Number(/pid (\d+)/.exec(await readFile(join(folder, `${name}.log`), 'utf8'))?.[1]);
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a party is started once it says that it is ready, and ends when told to', async () => {
  await processes.start(await program('node', `process.send({ type: 'other' }); ${READY} ${ALIVE}`));
  const pid = await pidOf('node');
  expect(isAlive(pid)).toBe(true);
  await processes.stopAll();
  expect(isAlive(pid)).toBe(false);
  expect(ended).toEqual([]);
});

test('one of several is stopped, and is not missed', async () => {
  for (const name of ['node', 'helper']) await processes.start(await program(name, `${READY} ${ALIVE}`));
  await processes.stop(['node']);
  expect(isAlive(await pidOf('node'))).toBe(false);
  expect(isAlive(await pidOf('helper'))).toBe(true);
  expect(ended).toEqual([]);
  expect(processes.lacks('node')).toBe(false);
});

test('one that was to stay is missed, until it is started again or told to stop', async () => {
  const node = await program('node', `${READY} ${ALIVE}`);
  await processes.start(node);
  expect(processes.lacks('node')).toBe(false);
  process.kill(await pidOf('node'), 'SIGKILL');
  await expect.poll(() => ended).toEqual(['node was ended by SIGKILL']);
  expect(processes.lacks('node')).toBe(true);
  await processes.start(node);
  expect(processes.lacks('node')).toBe(false);
  process.kill(
    Number((await readFile(join(folder, 'node.log'), 'utf8')).trim().split(' ').at(-1)),
    'SIGKILL',
  );
  await expect.poll(() => ended).toHaveLength(2);
  await processes.stop(['node']);
  expect(processes.lacks('node')).toBe(false);
});

test('a party that does not listen is killed after a grace', async () => {
  await processes.start(await program('deaf', `process.on('SIGTERM', () => {}); ${READY} ${ALIVE}`));
  const pid = await pidOf('deaf');
  const started = Date.now();
  await processes.stopAll();
  expect(isAlive(pid)).toBe(false);
  expect(Date.now() - started).toBeGreaterThan(2_500);
});

test('a party that ends on its own is reported, not thrown', async () => {
  await processes.start(await program('node', `${READY} setTimeout(() => process.exit(3), 50);`));
  await expect.poll(() => ended).toEqual(['node ended with exit code 3']);
});

test('one that ends before it is ready fails with its last words', async () => {
  const broken = await program('broken', `console.error('the key file is missing'); process.exit(1);`);
  await expect(processes.start(broken)).rejects.toMatchObject({
    code: 'demo/party',
    message: expect.stringMatching(
      /^broken ended with exit code 1 before it was ready[^]*broken\.log:\nthe key file is missing$/,
    ) as string,
  });
});

test('a program is run to its end', async () => {
  await processes.run(await program('import', `console.log('done');`));
  expect(await readFile(join(folder, 'import.log'), 'utf8')).toBe('done\n');
  const failing = await program('failing', `console.log('row 7 is wrong'); process.exit(2);`);
  await expect(processes.run(failing)).rejects.toThrow(/failing ended with exit code 2[^]*row 7 is wrong/);
});

test('after the close nothing starts any more', async () => {
  await processes.close();
  await expect(processes.start(await program('late', READY))).rejects.toMatchObject({
    code: 'demo/interrupted',
  });
});
