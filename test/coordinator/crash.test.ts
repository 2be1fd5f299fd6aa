/**
 * A coordinator that dies at every transaction, once before its commit and once after it, within one task. What a crash is to everyone else
 * is played by a throw: nothing after it happens, nothing before it is remembered but what the tables hold, and a new coordinator starts
 * over them. (test/faults kills real processes.)
 */
import { bytesToBase64Url, sha256 } from '@twinkeep/audit';
import { PATHS, statementHash, type RoundResult } from '@twinkeep/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import type { Answer } from './support/client.ts';
import { checkWorld } from './support/check-world.ts';
import { consentOf, createNode, reportOf, type TestNode } from './support/node.ts';
import { smallTask } from './support/task.ts';
import { createWorld, type World } from './support/world.ts';

const TRANSACTIONS = [
  'publish-epoch',
  'consents',
  'publish-task',
  'open-round',
  'cosignature',
  'report',
  'verdicts',
  'ready',
  'sums',
  'tick-round',
  'close',
] as const;
const MOMENTS = ['before-commit', 'after-commit'] as const;

const left = new Set(TRANSACTIONS.flatMap((name) => MOMENTS.map((moment) => `${name} ${moment}`)));
let dead = false;
let restarts = 0;
const observe = (name: string, moment: string): void => {
  if (dead || left.delete(`${name} ${moment}`)) {
    dead = true;
    throw new Error(`dies at ${name} ${moment}`);
  }
};

let world: World;
afterAll(() => world.stop());

async function reviveIfDead(): Promise<boolean> {
  if (!dead) return false;
  dead = false;
  restarts++;
  await world.restart({ observe });
  await checkWorld(world);
  return true;
}

/** As devices and helpers do: the same again, until there is an answer of a living coordinator. */
async function insist(act: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await act();
    if (answer.status !== 500) return answer;
    if (!(await reviveIfDead())) throw new Error('a living coordinator failed');
  }
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    await reviveIfDead();
    const seen = await look();
    if (seen !== null) return seen;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function cosignAll(): Promise<void> {
  for (const helper of world.helpers) {
    for (const proposal of (await helper.work()).proposals)
      expect([204, 409]).toContain((await insist(() => helper.cosign(proposal))).status);
  }
}

async function closeAll(): Promise<void> {
  for (const helper of world.helpers) {
    for (const closing of (await helper.work()).closing)
      expect([204, 409]).toContain((await insist(() => helper.close(closing))).status);
  }
}

describe('a task under a coordinator that dies at every transaction', () => {
  it('ends as if nothing had happened', async () => {
    const task = smallTask({
      rounds: 3,
      floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 100 },
      windows: { collect: 60_000, ack: 2_500, reveal: 20_000 },
    });
    world = await createWorld({ observe });
    for (const helper of world.helpers)
      expect(await insist(() => helper.publishEpoch())).toMatchObject({ status: 204 });
    const nodes: TestNode[] = [
      await createNode(world.parties, 2, 'a'),
      await createNode(world.parties, 3, 'b'),
    ];
    for (const node of nodes) {
      const events = await Promise.all(node.twins.map(async (twin) => (await consentOf(node, twin)).jws));
      const answer = await insist(() =>
        world.client.sendAs(node.device, { method: 'POST', path: PATHS.consents, body: { events } }),
      );
      expect(answer.status).toBe(200);
    }
    expect((await insist(() => world.publish(task))).status).toBeLessThan(300);

    // The second round is abandoned, for want of helpers.
    for (let number = 1; number <= task.rounds + 2; number++) {
      const round = await until(async () => {
        const { phase, config } = await world.offer('churn');
        if (phase === 'proposed') await cosignAll();
        const open = config?.statement;
        return open?.body.round === number
          ? { config: open.body, rcHash: bytesToBase64Url(statementHash(open)) }
          : null;
      });
      const total = new Int32Array(round.config.dPadded + round.config.evaluationLength);
      for (const node of nodes) {
        const clear = await reportOf(node, round.config, round.rcHash, {
          gradient: [0.5, -0.1 * number, 0.2],
        });
        clear.steps.forEach((step, i) => (total[i] = (total[i] as number) + step));
        expect(await insist(() => world.upload(node, round, clear))).toMatchObject({ status: 202 });
      }
      // In the third and fourth round a helper is silent, so that time has to go on, in the second two are.
      const awake = world.helpers.slice({ 2: 2, 3: 1, 4: 1 }[number] ?? 0);
      for (const helper of awake) {
        const [work] = (await helper.work()).rounds;
        if (work !== undefined && work.reports.length > 0)
          expect((await insist(() => helper.judge(work))).status).toBe(204);
      }
      for (const act of ['ready', 'sums'] as const) {
        for (const helper of awake) {
          const work = await until(async () => {
            const [open] = (await helper.work()).rounds;
            const over = open === undefined || open.config.statement.body.round !== number;
            return over || open.set !== null ? { open, over } : null;
          });
          if (work.over || work.open?.set === null) continue;
          expect(['204', '409']).toContain(String((await insist(() => helper[act](work.open!))).status));
        }
      }
      const result = await until(async (): Promise<RoundResult | null> => {
        const last = (await world.offer('churn')).lastResult?.statement.body;
        return last?.round === number ? last : null;
      });
      if (number === 2) {
        expect(result).toMatchObject({ status: 'abandoned', reason: 'too-few-helpers' });
        await closeAll();
        continue;
      }
      expect(result).toMatchObject({ status: 'sealed', count: 2, twins: 5 });
      expect(result.sumHash).toBe(bytesToBase64Url(sha256(new Uint8Array(total.buffer))));
    }
    await checkWorld(world);
    expect((await world.offer('churn')).state).toBe('finished');
    expect([...left]).toEqual([]);
    expect(restarts).toBe(TRANSACTIONS.length * MOMENTS.length);
  }, 120_000);
});
