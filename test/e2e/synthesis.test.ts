/**
 * Federated synthesis with real processes: customers of two region nodes allow to be counted, the rounds count them with the helpers' noise,
 * and the command makes a synthesizer of what was published, from which rows are drawn.
 */
import { PATHS, roundOfferSchema } from '@twinkeep/protocol';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTED, noisyCounting } from '../protocol/counting-task.ts';
import { createWorld, type World } from '../support/world.ts';

const task = {
  ...noisyCounting(8),
  taskId: 'people',
  categories: { required: ['transactional' as const], optional: [] },
  features: COUNTED.map((feature) => ({ ...feature, category: 'transactional' as const })),
  label: {
    category: 'transactional' as const,
    event: 'churn.observed',
    attribute: 'value',
    positive: [1],
    negative: [0],
    horizonDays: 30,
  },
  floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 },
};
const COMMAND = join(import.meta.dirname, '../../synthetic/bin/twinkeep-synthetic.js');

describe('federated synthesis, end to end', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld(2);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    await Promise.all([0, 1].map((node) => world.startNode(node, linesOf(node), task)));
  });
  afterAll(() => world.stop());

  it('counts whoever allowed it, in three rounds, and makes rows of the counts alone', async () => {
    await untilFinished();
    const ended = await world.results('people');
    expect(
      ended.filter(({ status }) => status === 'sealed').map(({ count, twins }) => [count, twins]),
    ).toEqual([
      [2, 40],
      [2, 40],
      [2, 40],
    ]);
    const model = join(world.folder, 'model.json');
    const trust = join(world.folder, 'trust.json');
    const said = await run(
      'fit-task',
      'people',
      '--coordinator',
      world.url,
      '--trust',
      trust,
      '--out',
      model,
    );
    expect(said).toMatch(/counts of 40, 40, 40 twins.*epsilon 8, delta 0.000001, one twin/);
    const { lineage } = JSON.parse(await readFile(model, 'utf8')) as { lineage: { counts: string } };
    expect(lineage.counts).toBe(ended.at(-1)!.modelOut);
    const rows = join(world.folder, 'rows.csv');
    await run('sample', model, '--rows', '50', '--out', rows);
    const [head, ...lines] = (await readFile(rows, 'utf8')).trim().split(/\r?\n/);
    expect(head).toBe('plan,age,mail,value');
    expect(lines).toHaveLength(50);
    await expect(
      run('fit-task', 'nobody', '--coordinator', world.url, '--trust', trust, '--out', model),
    ).rejects.toThrow(/answers 404/);
  }, 120_000);

  async function untilFinished(): Promise<void> {
    for (let after = 0; ;) {
      const response = await fetch(`${world.url}${PATHS.round('people')}?after=${after}&wait=20`);
      if (response.status !== 200) continue;
      const offer = v.parse(roundOfferSchema, await response.json());
      if (offer.state === 'finished') return;
      after = offer.rev;
    }
  }
});

async function run(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [COMMAND, ...args])).stdout;
}

/** Twenty customers who allow it, and five who do not. */
function linesOf(node: number): object[] {
  return Array.from({ length: 25 }, (_, i) => linesOfCustomer(`customer-${node}-${i}`, i)).flat();
}

function linesOfCustomer(customer: string, i: number): object[] {
  const at = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const event = (id: string, type: string, days: number, data: object): object => ({
    customer,
    event: { id, source: 'crm', type, time: at(days), category: 'transactional', data },
  });
  return [
    { customer, consent: i < 20 ? { granted: ['transactional'] } : { refused: true } },
    event('facts', 'attribute.set', 60, {
      plan: ['basic', 'plus', 'gold'][i % 3]!,
      age: 20 + 2 * i,
      mail: i % 2 === 0,
    }),
    event('label', 'churn.observed', 20, { value: i % 2 }),
  ];
}
