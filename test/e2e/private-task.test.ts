/**
 * A task with differential privacy, with real processes: helpers sign, add noise and count; nodes train or evaluate, never both in a round;
 * and when nobody has budget left the task ends and says so.
 */
import { noiseMultiplierFor, roundOfferSchema, PATHS, type RoundOffer } from '@twinkeep/protocol';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { createWorld, smallTask, type World } from '../support/world.ts';

const TRAININGS = 2;
const task = smallTask('private', {
  rounds: 5,
  floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1000 },
  evaluation: { bins: 256, logitRange: 8, maxLoss: 16, holdout: 0.4 },
  privacy: {
    mech: 'discrete-gaussian',
    noiseMultiplier: noiseMultiplierFor({ epsilon: 8, delta: 1e-5, participations: TRAININGS }),
    epsilon: 8,
    delta: 1e-5,
    trainings: TRAININGS,
    evaluations: 1,
    adaptiveClip: { quantile: 0.5, learningRate: 0.2, noise: 20 },
  },
});

describe('a task with a privacy budget, end to end', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld(2);
    await world.coordinator.start();
    await Promise.all(world.helpers.map((helper) => helper.start()));
    await world.publish(task);
    await Promise.all([0, 1].map((node) => world.startNode(node, linesOf(node), task)));
  });
  afterAll(() => world.stop());

  it('trains as often as its participants may, evaluates, and ends', async () => {
    const offer = await untilFinished();
    expect(offer.ended).toBe('budget-spent');
    const ended = await world.results(task.taskId);
    const sealed = ended.filter(({ status }) => status === 'sealed');
    expect(sealed.filter(({ kind }) => kind === 'train')).toHaveLength(TRAININGS);
    expect(sealed.filter(({ kind }) => kind === 'evaluate')).toHaveLength(1);
    for (const { kind, evaluation, clip, disputed } of sealed) {
      expect(disputed).toEqual([]);
      expect(clip === null).toBe(kind === 'evaluate');
      expect(evaluation === null).toBe(kind === 'train');
    }
    expect(offer.lastResult?.statement.body.round).toBe(ended.at(-1)?.round);
  });

  it('has every helper count the same, once for each report in a sum', async () => {
    for (const j of [1, 2, 3, 4]) {
      const counts = await query(
        `helper-${j}`,
        'SELECT kind, count(*)::int AS spent FROM participation GROUP BY participant, kind ORDER BY kind',
      );
      const each = (kind: string, spent: number): object[] => [
        { kind, spent },
        { kind, spent },
      ];
      expect(counts).toEqual([...each('evaluate', 1), ...each('train', TRAININGS)]);
    }
  });

  async function untilFinished(): Promise<RoundOffer> {
    for (let after = 0; ;) {
      const response = await fetch(`${world.url}${PATHS.round(task.taskId)}?after=${after}&wait=20`);
      if (response.status !== 200) continue;
      const offer = v.parse(roundOfferSchema, await response.json());
      if (offer.state === 'finished') return offer;
      after = offer.rev;
    }
  }

  async function query(party: string, text: string): Promise<object[]> {
    const client = new pg.Client({ connectionString: world.databases.get(party)! });
    await client.connect();
    try {
      return (await client.query<object>(text)).rows;
    } finally {
      await client.end();
    }
  }
});

/** Thirty customers of a node, in the form of the import. */
function linesOf(node: number): object[] {
  return Array.from({ length: 30 }, (_, i) => linesOfCustomer(`customer-${node}-${i}`, i)).flat();
}

function linesOfCustomer(customer: string, i: number): object[] {
  const at = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const event = (id: string, type: string, days: number, data: object): object => ({
    customer,
    event: { id, source: 'crm', type, time: at(days), category: 'transactional', data },
  });
  return [
    { customer, consent: { granted: ['transactional'] } },
    event('facts', 'attribute.set', 60, { a: i % 10, b: 3, c: 7 }),
    event('label', 'churn.observed', 20, { value: i % 2 }),
  ];
}
