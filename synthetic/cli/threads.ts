/**
 * A simulation's lines, made by several threads and handed out in the order of the customers, so that the bytes are the same
 * for any number of threads. At most a few blocks per thread wait in memory, however slowly they are read.
 */
import { Worker } from 'node:worker_threads';
import type { SimulationOptions } from '@twinkeep/synthetic/simulate';
import { BLOCK, blockLines, createPart, type SimulationPart } from './parts.ts';

/** Blocks that each thread may be ahead of the reader. */
const AHEAD = 4;

/**
 * UTF-8. With one thread no worker is started. Ends its workers when it is read to the end, abandoned or fails.
 *
 * @throws RangeError for wrong options or fewer than one thread
 */
export async function* simulateLines(
  options: SimulationOptions,
  part: SimulationPart,
  threads: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new RangeError(`threads: ${threads} is no integer from 1 to 256`);
  const lines = createPart(options, part);
  const blocks = Math.ceil(options.customers / BLOCK);
  if (threads === 1 || blocks === 1) {
    const encoder = new TextEncoder();
    for (let block = 0; block < blocks; block++)
      yield encoder.encode(blockLines(lines, options.customers, block));
    return;
  }
  yield* fromWorkers(options, part, Math.min(threads, blocks), blocks);
}

async function* fromWorkers(
  options: SimulationOptions,
  part: SimulationPart,
  threads: number,
  blocks: number,
): AsyncGenerator<Uint8Array, void, void> {
  const made = new Map<number, Uint8Array>();
  let failure: unknown;
  let wake = (): void => {};
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./simulate-worker.js', import.meta.url), {
      workerData: { options, part },
    });
    worker.on('message', ({ block, bytes }: { block: number; bytes: Uint8Array }) => {
      made.set(block, bytes);
      wake();
    });
    worker.on('error', (error) => {
      failure = error;
      wake();
    });
    return worker;
  });
  // Block b is worker b mod threads's: nobody waits for a faster neighbour longer than for one block.
  const ask = (block: number): void => {
    if (block < blocks) workers[block % threads]?.postMessage(block);
  };
  try {
    for (let block = 0; block < AHEAD * threads; block++) ask(block);
    for (let block = 0; block < blocks; block++) {
      while (!made.has(block)) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      const bytes = made.get(block) as Uint8Array;
      made.delete(block);
      ask(block + AHEAD * threads);
      yield bytes;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
