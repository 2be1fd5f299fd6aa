/** A thread that draws the blocks of rows it is asked for. */
import { workerData } from 'node:worker_threads';
import { serveCrew } from './crew.ts';
import { drawBlock, type Drawn, type DrawSetup } from './draw.ts';

const setup = workerData as DrawSetup;

serveCrew<number, Drawn>(
  (block) => Promise.resolve(drawBlock(setup, block)),
  (drawn) => (drawn instanceof Uint8Array ? [drawn.buffer] : []),
);
