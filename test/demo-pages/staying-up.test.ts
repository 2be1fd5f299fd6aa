/** The real command on the built packages, as somebody who types `npm start` and opens the pages sees it. `npm test` builds first. */
import { PATHS, roundResultsSchema } from '@twinkeep/protocol';
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { demoInfoSchema, type DemoInfo } from '../../demo/server/info.ts';

const COMMAND = resolve(import.meta.dirname, '../../demo/bin/twinkeep-demo.js');
const MINUTES = 60_000;

test(
  'the pages are there from the start; after the table rounds for visitors go on until Ctrl-C, which ends all of it well',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-live-'));
    await chmod(folder, 0o711);
    const size = ['--customers', '300', '--nodes', '3', '--rounds', '2'];
    const demo = spawn(process.execPath, [COMMAND, ...size], { cwd: folder });
    const exit = new Promise<number | null>((done) => demo.once('close', done));
    let text = '';
    for (const stream of [demo.stdout, demo.stderr])
      stream.on('data', (part: Buffer) => (text += part.toString()));
    try {
      const pages = /Customer page {2}(http:\S+)\/account\/\n {2}Status page {4}\1\/status\/\n/;
      await expect.poll(() => text, { timeout: 20_000 }).toMatch(pages);
      const [, origin = ''] = pages.exec(text) ?? [];
      const read = async (path: string): Promise<Response> => fetch(origin + path);
      const info = async (): Promise<DemoInfo> =>
        v.parse(demoInfoSchema, await (await read('/api/demo')).json());
      expect(await info()).toMatchObject({ stage: 'preparing', liveTask: null, nodes: 3 });
      for (const page of ['/account/', '/status/']) expect((await read(page)).status).toBe(200);

      await expect.poll(() => text, { timeout: 3 * MINUTES, interval: 500 }).toMatch(/Ctrl-C ends the demo/);
      expect(text).toMatch(/\nfederated .*\npooled/);
      expect(text).toMatch(/What is not protected yet/);
      const { stage, liveTask, coordinatorUrl } = await info();
      expect(stage).toBe('live');
      const ended = async (): Promise<number> => {
        const answer = await fetch(coordinatorUrl + PATHS.results(liveTask ?? ''));
        const { results } = v.parse(roundResultsSchema, await answer.json());
        return results.filter(({ statement }) => statement.body.status === 'sealed').length;
      };
      await expect.poll(ended, { timeout: MINUTES, interval: 500 }).toBeGreaterThanOrEqual(2);
      // Its own pages may ask the coordinator; those of anybody else may not.
      const asked = (from: string): Promise<Response> =>
        fetch(coordinatorUrl + PATHS.tasks, { headers: { origin: from } });
      expect((await asked(origin)).status).toBe(200);
      expect((await asked('http://127.0.0.1:1')).status).toBe(403);
    } finally {
      demo.kill('SIGINT');
    }
    expect(await exit, text).toBe(0);
    const { stdout } = spawnSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
    expect(stdout.split('\n').filter((line) => line.includes(folder))).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  },
  6 * MINUTES,
);
