import { describe, expect, it } from 'vitest';
import { PINNED_SMALL_FIT, smallFit } from '../../synthetic/support/small-fit.ts';

describe('in a browser', () => {
  it('a page fits, samples and writes the same bytes as Node', async () => {
    expect(await smallFit()).toBe(PINNED_SMALL_FIT);
  });

  it('so does a worker, and it fits with noise', async () => {
    const worker = new Worker(new URL('./small-fit-worker.ts', import.meta.url), { type: 'module' });
    const answer = await new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.postMessage('fit');
    });
    worker.terminate();
    expect(answer).toEqual({ digest: PINNED_SMALL_FIT, made: { rows: 100, epsilon: 5 } });
  });
});
