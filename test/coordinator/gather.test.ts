import { describe, expect, it } from 'vitest';
import { createGathering, type Settled } from '../../coordinator/gather.ts';

interface Batch {
  items: string[];
  finish(settled?: readonly Settled<string>[]): void;
  fail(error: Error): void;
}

function createBatches(most = 256): {
  gather: (item: string) => Promise<string>;
  next(): Promise<Batch>;
  begun: Batch[];
} {
  const begun: Batch[] = [];
  const gather = createGathering<string, string>({
    weigh: (item) => item.length,
    most,
    run: (items) =>
      new Promise((resolve, reject) => {
        const answers = items.map((item) => ({ ok: true as const, value: item.toUpperCase() }));
        begun.push({ items: [...items], finish: (settled = answers) => resolve(settled), fail: reject });
      }),
  });
  let seen = 0;
  const next = async (): Promise<Batch> => {
    while (begun.length <= seen) await new Promise((resolve) => setImmediate(resolve));
    return begun[seen++] as Batch;
  };
  return { gather, next, begun };
}

describe('gathering', () => {
  it('begins at once when nothing is under way, and takes along what comes in the same turn', async () => {
    const { gather, next } = createBatches();
    const answers = Promise.all([gather('a'), gather('b')]);
    const batch = await next();
    expect(batch.items).toEqual(['a', 'b']);
    batch.finish();
    expect(await answers).toEqual(['A', 'B']);
  });

  it('gathers while a batch is under way, one batch at a time', async () => {
    const { gather, next, begun } = createBatches();
    const first = gather('a');
    const batch = await next();
    const others = Promise.all([gather('b'), gather('c'), gather('d')]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun.length).toBe(1);
    batch.finish();
    const second = await next();
    expect(second.items).toEqual(['b', 'c', 'd']);
    second.finish();
    expect([await first, ...(await others)]).toEqual(['A', 'B', 'C', 'D']);
  });

  it('closes a batch before it weighs too much; what weighs too much by itself goes alone', async () => {
    const { gather, next } = createBatches(4);
    const answers = ['aa', 'bb', 'c', 'dddddd', 'e'].map(gather);
    for (const items of [['aa', 'bb'], ['c'], ['dddddd'], ['e']]) {
      const batch = await next();
      expect(batch.items).toEqual(items);
      batch.finish();
    }
    expect(await Promise.all(answers)).toEqual(['AA', 'BB', 'C', 'DDDDDD', 'E']);
  });

  it('fails the one that was refused, and no other', async () => {
    const { gather, next } = createBatches();
    const answers = Promise.allSettled([gather('a'), gather('bad'), gather('c')]);
    (await next()).finish([
      { ok: true, value: 'A' },
      { ok: false, error: new Error('refused') },
      { ok: true, value: 'C' },
    ]);
    expect(await answers).toEqual([
      { status: 'fulfilled', value: 'A' },
      { status: 'rejected', reason: new Error('refused') },
      { status: 'fulfilled', value: 'C' },
    ]);
  });

  it('finds the one with which nothing works, and does the others without it', async () => {
    const { gather, next } = createBatches();
    const answers = Promise.allSettled([gather('a'), gather('poison'), gather('c')]);
    (await next()).fail(new Error('something'));
    for (const item of ['a', 'poison', 'c']) {
      const batch = await next();
      expect(batch.items).toEqual([item]);
      if (item === 'poison') batch.fail(new Error('this one'));
      else batch.finish();
    }
    expect(await answers).toEqual([
      { status: 'fulfilled', value: 'A' },
      { status: 'rejected', reason: new Error('this one') },
      { status: 'fulfilled', value: 'C' },
    ]);
  });

  it('goes on after a batch that failed as a whole, and does not try each of many', async () => {
    const { gather, next, begun } = createBatches();
    const lost = Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map(gather));
    for (let i = 0; i < 3; i++) (await next()).fail(new Error('no database'));
    expect(await lost).toEqual(Array(5).fill({ status: 'rejected', reason: new Error('no database') }));
    expect(begun.map(({ items }) => items.length)).toEqual([5, 1, 1]);
    const later = gather('c');
    (await next()).finish();
    expect(await later).toBe('C');
  });
});
