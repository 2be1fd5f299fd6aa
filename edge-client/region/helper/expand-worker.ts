/** A thread of `threads.ts`: sums of masks for slices of seeds, and chunks of noise. It keeps nothing between two of them. */
import { parentPort } from 'node:worker_threads';
import { addNoiseChunk } from '@twinkeep/protocol';
import { expandSlice } from './expand.ts';
import { nodePrg } from './node-prg.ts';
import type { NoiseChunk, ThreadAnswer, ThreadRequest, ThreadTask } from './threads.ts';

parentPort?.on('message', (request: ThreadRequest) => void answer(request));

async function answer({ id, task }: ThreadRequest): Promise<void> {
  const message: ThreadAnswer = { id, sums: await perform(task) };
  parentPort?.postMessage(
    message,
    message.sums.map(({ buffer }) => buffer),
  );
}

async function perform(task: ThreadTask): Promise<Uint32Array<ArrayBuffer>[]> {
  return task.kind === 'masks' ? expandSlice(task) : [await noiseOf(task)];
}

async function noiseOf({ key, chunk, words, sigmaSquared }: NoiseChunk): Promise<Uint32Array<ArrayBuffer>> {
  const noise = new Uint32Array(words);
  await addNoiseChunk(noise, key, chunk, sigmaSquared, nodePrg);
  return noise;
}
