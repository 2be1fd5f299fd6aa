/** A thread of `threads.ts`: sums of masks for slices of seeds, one after the other. It keeps nothing between two of them. */
import { parentPort } from 'node:worker_threads';
import { expandSlice } from './expand.ts';
import type { SliceAnswer, SliceRequest } from './threads.ts';

parentPort?.on('message', ({ id, slice }: SliceRequest) => {
  const sums = expandSlice(slice);
  const answer: SliceAnswer = { id, sums };
  parentPort?.postMessage(
    answer,
    sums.map(({ buffer }) => buffer),
  );
});
