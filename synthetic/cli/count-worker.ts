/** A thread that counts pieces of a file. */
import { workerData } from 'node:worker_threads';
import { countPiece, type Counted, type CountSetup, type CountTask } from './count.ts';
import { serveCrew } from './crew.ts';

const setup = workerData as CountSetup;

serveCrew<CountTask, Counted>(
  (task) => countPiece(setup, task),
  (counted) => ('counts' in counted ? [counted.counts.buffer as ArrayBuffer] : []),
);
