/** A thread that makes the blocks of lines it is asked for. */
import { workerData } from 'node:worker_threads';
import type { SimulationOptions } from '@twinkeep/synthetic/simulate';
import { serveCrew } from './crew.ts';
import { blockLines, createPart, type SimulationPart } from './parts.ts';

const { options, part } = workerData as { options: SimulationOptions; part: SimulationPart };
const lines = createPart(options, part);
const encoder = new TextEncoder();

serveCrew<number, Uint8Array<ArrayBuffer>>(
  (block) => Promise.resolve(encoder.encode(blockLines(lines, options.customers, block))),
  (bytes) => [bytes.buffer],
);
