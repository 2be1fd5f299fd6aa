/** How the demo ends, and how it comes back: Ctrl-C, SIGKILL, parties that are killed. */
import { expect, test } from 'vitest';
import { MINUTES, useWorkplace } from './support/command.ts';

const { start, left } = useWorkplace();

const LONG = ['--customers', '300', '--nodes', '3', '--rounds', '5000'];

test(
  'Ctrl-C ends every process',
  async () => {
    const demo = start(...LONG);
    await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
    expect(left().length).toBeGreaterThan(8);
    demo.child.kill('SIGINT');
    expect(await demo.exit).toBe(130);
    expect(left()).toEqual([]);
  },
  3 * MINUTES,
);

test(
  'a demo that is killed takes its parties along, and the next one takes over the database',
  async () => {
    const demo = start(...LONG);
    await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
    demo.child.kill('SIGKILL');
    await demo.exit;
    const parties = (): unknown[] => left().filter(({ args }) => args.includes('--config'));
    await expect.poll(parties, { timeout: 5_000 }).toEqual([]);
    expect(left().some(({ args }) => args.includes('postgres'))).toBe(true);

    const next = start(...LONG, '--keep');
    await expect.poll(next.text, { timeout: 2 * MINUTES, interval: 200 }).toMatch(/round \d+\/5000/);
    expect(next.text()).toMatch(/took over the one that an earlier run left behind/);
    next.child.kill('SIGTERM');
    expect(await next.exit).toBe(143);
    expect(left()).toEqual([]);
  },
  4 * MINUTES,
);

test(
  'parties that are killed come back, and the rounds go on with all of them',
  async () => {
    const demo = start(...LONG);
    const until = async (text: RegExp): Promise<void> => {
      await expect.poll(demo.text, { timeout: 2 * MINUTES, interval: 100 }).toMatch(text);
    };
    // At the worst moment: before the task is published.
    await until(/3 region nodes started/);
    for (const party of ['node-2', 'helper-3', 'coordinator']) {
      const [found] = left().filter(({ args }) => args.includes(`/${party}/config.json`));
      process.kill(found!.pid, 'SIGKILL');
    }
    for (const party of ['node 2', 'helper 3', 'coordinator']) {
      await until(
        new RegExp(`${party} was ended by SIGKILL\\. It is started again in \\d+ s; the others go on\\.`),
      );
      await until(new RegExp(`${party} is back\\.`));
    }
    await until(/is back\.[^]*is back\.[^]*is back\.[^]*reports 3 of 3/);
    demo.child.kill('SIGINT');
    expect(await demo.exit, demo.text()).toBe(130);
    expect(left()).toEqual([]);
  },
  4 * MINUTES,
);
