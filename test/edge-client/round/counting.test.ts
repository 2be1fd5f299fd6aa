/** What a twin asks before it is counted, and that counting needs no network and scores nobody. */
import { askContribution, createCountingEngine, readConsentChain } from '@twinkeep/edge-client/fleet';
import { initialWeights, sumOfCounts } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { countingTask, rowsOf, type Person } from '../../protocol/counting-task.ts';
import { makeChain, makeTask, NOW, type ChainLink } from '../fixtures.ts';

const SUBJECT = 'c3ViamVjdC1zdWJqZWN0LQ';
const { purpose } = makeTask();
const counting = countingTask({ purpose });
const terms = { cohort: 2, now: NOW, until: NOW + 1_000 };

function leave(task: typeof counting, ...links: ChainLink[]): object {
  return askContribution(task, SUBJECT, readConsentChain(makeChain(SUBJECT, links)), terms);
}

const counted: ChainLink = { type: 'grant', operations: ['synthesise'], index: 0 };
const learning: ChainLink = { type: 'grant', operations: ['train_local', 'contribute'], index: 0 };

describe('a twin that may be counted', () => {
  it('needs leave to synthesise, and to do nothing else', () => {
    expect(leave(counting, counted)).toMatchObject({ taskId: 'counts' });
    expect(leave(counting, learning)).toHaveProperty('denied');
  });

  it('is not trained with that leave', () => {
    const training = makeTask();
    expect(leave(training, counted)).toHaveProperty('denied');
    expect(leave(training, learning)).not.toHaveProperty('denied');
  });

  it('stays home once that leave is taken back, logged or not', () => {
    const back: ChainLink = { type: 'withdraw', operations: ['synthesise'], index: null };
    expect(leave(counting, counted, back)).toHaveProperty('denied');
  });
});

describe('the engine of a counting task', () => {
  const engine = createCountingEngine(counting);
  const people: Person[] = [
    [1, 0, 1, 0],
    [0, 2, null, 1],
  ];
  const counts = initialWeights(counting.model);

  it('adds up whole twins, none of them clipped', async () => {
    const rows = rowsOf(counting, people);
    const { sum, count, clippedCount } = await engine.clippedSum(counts, rows, counting.clipL2);
    expect([count, clippedCount]).toEqual([2, 0]);
    expect(sum).toEqual(sumOfCounts(counting, counts, rows).sum);
  });

  it('scores nobody', async () => {
    await expect(engine.scores(counts, rowsOf(counting, people))).rejects.toThrow(/no network/);
  });
});
