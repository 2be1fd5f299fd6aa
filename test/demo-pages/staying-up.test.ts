/** The real command on the built packages, as somebody who types `npm start` and opens the pages sees it. `npm test` builds first. */
import { PATHS, roundResultsSchema, type RoundResult } from '@twinkeep/protocol';
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoInfoSchema, type DemoInfo } from '../../demo/server/info.ts';

const COMMAND = resolve(import.meta.dirname, '../../demo/bin/twinkeep-demo.js');
const MINUTES = 60_000;

const SIZE = ['--customers', '300', '--nodes', '3'];
const NEIGHBOURS = 4;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeep-live-'));
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Demo {
  text(): string;
  interrupt(): Promise<number | null>;
  /** An answer of its pages' server. */
  read(path: string): Promise<Response>;
  origin(): string;
  info(): Promise<DemoInfo>;
  /** Visitors' rounds that ended, oldest first. */
  rounds(): Promise<RoundResult[]>;
}

/** Resolves once the addresses of the pages are there. */
async function start(...args: string[]): Promise<Demo> {
  const demo = spawn(process.execPath, [COMMAND, ...SIZE, ...args], { cwd: folder });
  const exit = new Promise<number | null>((done) => demo.once('close', done));
  let text = '';
  for (const stream of [demo.stdout, demo.stderr])
    stream.on('data', (part: Buffer) => (text += part.toString()));
  const pages = /Customer page {2}(http:\S+)\/account\/\n {2}Status page {4}\1\/status\/\n/;
  await expect.poll(() => text, { timeout: MINUTES }).toMatch(pages);
  const [, origin = ''] = pages.exec(text) ?? [];
  const self: Demo = {
    text: () => text,
    async interrupt() {
      demo.kill('SIGINT');
      return exit;
    },
    origin: () => origin,
    read: (path) => fetch(origin + path),
    info: async () => v.parse(demoInfoSchema, await (await self.read('/api/demo')).json()),
    async rounds() {
      const { liveTask, coordinatorUrl } = await self.info();
      if (liveTask === null) return [];
      const answer = await fetch(`${coordinatorUrl}${PATHS.results(liveTask)}?after=0`);
      const { results } = v.parse(roundResultsSchema, await answer.json());
      return results.map(({ result }) => result.statement.body);
    },
  };
  return self;
}

const sealed = (rounds: readonly RoundResult[]): RoundResult[] =>
  rounds.filter(({ status }) => status === 'sealed');
const left = (): string[] =>
  spawnSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(folder));

test(
  'rounds for visitors begin before those of the table, which do not disturb them, and go on until Ctrl-C ends all of it well',
  async () => {
    // As many rounds of the table as take longer than one for visitors.
    const demo = await start('--rounds', '40');
    try {
      expect(await demo.info()).toMatchObject({ stage: 'preparing', nodes: 3 });
      for (const page of ['/account/', '/status/']) expect((await demo.read(page)).status).toBe(200);
      await expect.poll(demo.info, { timeout: 2 * MINUTES }).toMatchObject({ liveTask: 'visitors' });
      expect(demo.text()).not.toMatch(/training rounds:/);

      await expect.poll(demo.text, { timeout: 3 * MINUTES, interval: 200 }).toMatch(/40 training rounds:/);
      const meanwhile = await demo.rounds();
      expect(sealed(meanwhile).length).toBeGreaterThanOrEqual(1);
      for (const { count } of sealed(meanwhile)) expect(count).toBeLessThanOrEqual(NEIGHBOURS);

      await expect.poll(demo.text, { timeout: 3 * MINUTES, interval: 500 }).toMatch(/Ctrl-C ends the demo/);
      expect(demo.text()).toMatch(/\nfederated .*\npooled/);
      expect(demo.text()).toMatch(/What this task protects, from whom/);
      const { stage, coordinatorUrl } = await demo.info();
      expect(stage).toBe('live');
      // The nodes of the table have joined.
      const most = async (): Promise<number> =>
        Math.max(...sealed(await demo.rounds()).map(({ count }) => count));
      await expect.poll(most, { timeout: 2 * MINUTES, interval: 500 }).toBe(NEIGHBOURS + 3);
      // Its own pages may ask the coordinator; those of anybody else may not.
      const asked = (from: string): Promise<Response> =>
        fetch(coordinatorUrl + PATHS.tasks, { headers: { origin: from } });
      expect((await asked(demo.origin())).status).toBe(200);
      expect((await asked('http://127.0.0.1:1')).status).toBe(403);
    } finally {
      expect(await demo.interrupt(), demo.text()).toBe(0);
    }
    expect(left()).toEqual([]);
  },
  8 * MINUTES,
);

test(
  'a second start on the same folder goes on with the rounds for visitors where they stood',
  async () => {
    const demo = await start('--keep');
    try {
      await expect.poll(demo.info, { timeout: 2 * MINUTES }).toMatchObject({ liveTask: 'visitors' });
      const before = (await demo.rounds()).length;
      expect(before).toBeGreaterThanOrEqual(2);
      const since = async (): Promise<number> => sealed((await demo.rounds()).slice(before)).length;
      await expect.poll(since, { timeout: 2 * MINUTES, interval: 500 }).toBeGreaterThanOrEqual(2);
    } finally {
      expect(await demo.interrupt(), demo.text()).toBe(130);
    }
    expect(left()).toEqual([]);
  },
  5 * MINUTES,
);
