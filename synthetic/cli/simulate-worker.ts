/** A thread that makes the blocks it is asked for. It ends when its owner terminates it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SimulationOptions } from '@twinkeep/synthetic/simulate';
import { blockLines, createPart, type SimulationPart } from './parts.ts';

const { options, part } = workerData as { options: SimulationOptions; part: SimulationPart };
const lines = createPart(options, part);

parentPort?.on('message', (block: number) => {
  const bytes = new TextEncoder().encode(blockLines(lines, options.customers, block));
  parentPort?.postMessage({ block, bytes }, [bytes.buffer]);
});
